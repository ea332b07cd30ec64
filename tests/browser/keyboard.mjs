// The portal without a mouse: only Tab, Space, Enter and what is typed.
import assert from 'node:assert/strict'
import { App, PORTAL, assertNoProblems, inBrowser, open } from './portal.mjs'

const { ADMIN, ADMIN_PASSWORD } = process.env

/** What has the focus, as somebody who cannot see it is told, and whether who sees can tell. */
function focused() {
  const element = document.activeElement
  const name = element.labels?.[0]?.textContent ?? element.getAttribute('aria-label') ?? element.textContent
  const { outlineStyle } = getComputedStyle(element)
  return { name: name.replace(/\s+/g, ' ').trim(), isVisible: outlineStyle !== 'none' }
}

/** Goes on with Tab to what is called `name`. */
async function tabTo(page, name) {
  for (let n = 0; n < 60; n += 1) {
    await page.keyboard.press('Tab')
    const now = await page.evaluate(focused)
    assert.ok(now.isVisible, `nobody sees that ${now.name} has the focus`)
    if (now.name === name) return
  }
  assert.fail(`Tab does not lead to ${name}`)
}

async function type(page, name, text) {
  await tabTo(page, name)
  await page.keyboard.type(text)
}

/** Presses Enter, and waits for the page that this leads to. */
async function enter(page, heading) {
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: heading, level: 1 }).waitFor()
}

await inBrowser(async (browser) => {
  const portal = await open(browser, { permissions: ['clipboard-read', 'clipboard-write'] })
  const { page } = portal
  await page.goto(`${PORTAL}/admin/login`)
  assert.equal((await page.evaluate(focused)).name, 'Name', 'the login begins in its first field')
  await page.keyboard.type(ADMIN)
  await type(page, 'Password', ADMIN_PASSWORD)
  await enter(page, 'Add a second factor')
  const app = new App(await page.getByLabel('secret', { exact: true }).textContent())
  await type(page, 'Code of the app', await app.code())
  await enter(page, 'Your account')

  await tabTo(page, 'Clients')
  await enter(page, 'Clients')
  await tabTo(page, 'Skip to the content')
  await page.keyboard.press('Enter')
  await tabTo(page, 'Create client')
  await enter(page, 'Create client')
  await type(page, 'Client ID', 'by-keyboard')
  await type(page, 'Scopes', 'read write')
  await tabTo(page, 'client_secret_post')
  await page.keyboard.press('Space')
  await tabTo(page, 'Advanced')
  await page.keyboard.press('Enter')
  await type(page, 'Metadata', '{"tenant": "acme"}')
  await tabTo(page, 'Expires')
  await page.keyboard.type('in 90')
  await tabTo(page, 'Create client')
  await enter(page, 'Secret of by-keyboard')
  // The first button copies the id, the second the secret.
  for (const name of ['client_id', 'client_secret']) {
    await tabTo(page, 'Copy')
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Copied' }).nth(name === 'client_id' ? 0 : -1).waitFor()
    const shown = await page.getByLabel(name, { exact: true }).textContent()
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), shown)
  }
  await tabTo(page, 'I have stored it')
  await enter(page, 'by-keyboard')
  const methods = await page.getByText('client_secret_basic', { exact: true }).count()
  assert.equal(methods, 1, 'Space has unticked the other one')
  await tabTo(page, 'Theme')
  await page.keyboard.press('Enter')
  await tabTo(page, 'Dark')
  await page.keyboard.press('Escape')
  assert.equal((await page.evaluate(focused)).name, 'Theme', 'Esc goes back to what opened the menu')
  await page.goto(`${PORTAL}/admin/clients`)
  await page.keyboard.press('/')
  await page.keyboard.type('KEYBOARD')
  await enter(page, 'Clients')
  await page.waitForURL('**search=KEYBOARD')
  await page.getByRole('status').getByText('1 client').waitFor()
  await tabTo(page, 'Log out')
  await enter(page, 'Log in')
  assertNoProblems(portal)
})
