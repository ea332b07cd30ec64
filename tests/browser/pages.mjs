// Every page that the portal's own list of routes has, as people with different screens see it.
import assert from 'node:assert/strict'
import { PORTAL, assertNoProblems, enrol, inBrowser, look, open, typePassword } from './portal.mjs'

const { ADMIN, ADMIN_PASSWORD } = process.env

/** The portal's own list, so that no page can be forgotten here. */
const ROUTES = JSON.parse(process.env.ROUTES)

/** What stands for the parts of a path that are not fixed. */
const NAMES = {
  'admins/{name}': ADMIN,
  'clients/{client_id}': process.env.CLIENT,
  'issuers/{name}': process.env.ISSUER,
}

/** Routes whose path a page of the scene has: filled in when the browser is open. */
const PATHS = {}

/** Names that the server has made. */
async function findNames(page) {
  const first = async (path, pattern) => {
    await page.goto(`${PORTAL}/admin/${path}`)
    const hrefs = await page.locator('main a[data-ask]').evaluateAll((links) => links.map((link) => link.getAttribute('href')))
    return hrefs.map((href) => pattern.exec(href)?.[1]).find(Boolean)
  }
  NAMES['secrets/{secret_id}'] = await first(`clients/${process.env.CLIENT}`, /secrets\/(\w+)\//)
  NAMES['keys/{kid}'] = await first('keys', /keys\/([^/]+)\//)
  NAMES['sessions/{session_id}'] = await first('sessions', /sessions\/(\w+)\/end/)
}

/** Routes to a file, and what they are asked with. */
const FILES = { '/admin/assets/{name}': '', '/admin/audit/export': '?format=csv' }

function pathOf(route) {
  if (route.path in PATHS) return PATHS[route.path]
  return route.path.replace(/([^/]+)\/(\{\w+\})/g, (part, folder) => {
    assert.ok(part in NAMES, `${route.path}: say here what ${part} is to be`)
    return `${folder}/${encodeURIComponent(NAMES[part])}`
  })
}

function pictureOf(route) {
  return route.path.replace(/^\/admin\/?/, '').replace(/[{}]/g, '').replaceAll('/', '-') || 'dashboard'
}

/**
 * Forms that a page sends without a question. They take nothing away, or they ask for the password, or their first button only
 * shows what the second one does.
 */
const WITHOUT_A_QUESTION = [
  /^login(\/code|\/passkey)?$/,
  /^account\/(passkey|passkeys\/\w+\/remove|password|recovery-codes|second-factor(\/remove)?)$/,
  /^admins(\/[^/]+\/(role|status))?$/,
  /^audit\/verify$/,
  /^clients\/[^/]+\/(edit|new-identity|secrets|status)$/,
  /^explain\/(assertion|exchange)$/,
  /^issuers\/[^/]+\/(check|edit|enable)$/,
  /^keys\/prepare$/,
  /^new-(client|issuer)$/,
  /^tokens$/,
  /^transfer\/(apply|export|import)$/,
]

/** Nothing dangerous happens in one click. */
async function assertAsks(page) {
  const forms = await page.locator('main form[method=post]:not([data-ask], [data-question] form)').evaluateAll((all) =>
    all.map((form) => ({ path: new URL(form.action).pathname.replace('/admin/', ''), status: form.elements.status?.value })))
  for (const { path, status } of forms) {
    assert.ok(WITHOUT_A_QUESTION.some((known) => known.test(path)), `${page.url()} sends ${path} without a question`)
    assert.notEqual(status, 'disabled', `${page.url()} disables without a question`)
  }
}

/** Whether a route leads to a page where it says that it is, or to a file; if not, another window may be the right one. */
async function visit(page, route) {
  const url = PORTAL + pathOf(route)
  if (route.path in FILES) {
    const answer = await page.context().request.get(url + FILES[route.path], { maxRedirects: 0, ignoreHTTPSErrors: true })
    return answer.ok() && !answer.headers()['content-type'].startsWith('text/html') ? 'file' : undefined
  }
  const answer = await page.goto(url)
  if (new URL(page.url()).pathname !== pathOf(route) || !answer.ok()) return undefined
  await assertAsks(page)
  await look(page, `page-${pictureOf(route)}`)
  return 'page'
}

/** So many look at once: while one page is drawn, another is judged. */
const LOOKERS = 3

/** Visits every route; how many are pages. */
async function visitAll(browser, sessions) {
  const waiting = [...ROUTES]
  let pages = 0
  const visitSome = async () => {
    // Each in windows of its own: Chromium does not draw a tab behind another one.
    const states = [undefined, sessions.typing, sessions.inside]
    const [anyone, typing, inside] = await Promise.all(states.map((storageState) => open(browser, { storageState })))
    for (let route = waiting.shift(); route; route = waiting.shift()) {
      let found
      for (const { page } of route.access === 'Anyone' ? [anyone] : [inside, typing]) found ??= await visit(page, route)
      assert.ok(found, `${route.path} is no page for an owner, nor for who logs in`)
      if (found === 'page') pages += 1
    }
    for (const window of [anyone, typing, inside]) {
      assertNoProblems(window)
      await window.context.close()
    }
  }
  await Promise.all(Array.from({ length: LOOKERS }, visitSome))
  return pages
}

/** The keyboard of a telephone and its address bar resize the window: whoever has scrolled stays where they are. */
async function stays(page) {
  await page.setViewportSize({ width: 400, height: 700 })
  await page.goto(`${PORTAL}/admin/settings`)
  await page.evaluate(() => scrollTo(0, 500))
  for (const height of [400, 700]) {
    await page.setViewportSize({ width: 400, height })
    await page.evaluate(() => new Promise((done) => { requestAnimationFrame(() => requestAnimationFrame(done)) }))
    assert.equal(await page.evaluate(() => scrollY), 500)
  }
}

await inBrowser(async (browser) => {
  const [typing, inside] = [await open(browser), await open(browser)]
  await typePassword(inside.page, ADMIN, ADMIN_PASSWORD)
  await enrol(inside.page)
  await typePassword(typing.page, ADMIN, ADMIN_PASSWORD)
  await typing.page.waitForURL('**/admin/login/code')
  await inside.page.goto(`${PORTAL}/admin/clients/workload`)
  const remove = inside.page.locator('a[href*="/identities/"]').first()
  PATHS['/admin/clients/{client_id}/identities/{identity}/remove'] = await remove.getAttribute('href')
  await findNames(inside.page)
  NAMES['assets/{name}'] = (await inside.page.locator('link[rel=stylesheet]').getAttribute('href')).split('/').pop()

  const sessions = { typing: await typing.context.storageState(), inside: await inside.context.storageState() }
  const visited = await visitAll(browser, sessions)
  assert.ok(visited > 45, String(visited))

  const { page } = inside
  // The browser runs nothing of what others wrote, and does not even try: the policy would complain.
  for (const path of ['clients/hostile', 'clients/hostile/edit', 'clients/kept', 'clients/kept/edit']) {
    await page.goto(`${PORTAL}/admin/${path}`)
    await look(page, path.replaceAll('/', '-'))
  }
  await page.goto(`${PORTAL}/admin/nowhere`)
  await look(page, 'error-404')
  await page.goto(`${PORTAL}/admin/admins`)
  await page.getByLabel('Name').fill('nina')
  await page.getByRole('button', { name: 'Create admin' }).click()
  await page.getByRole('heading', { name: 'Password of nina' }).waitFor()
  await look(page, 'admin-password')
  await stays(page)
  for (const window of [typing, inside]) assertNoProblems(window)
})
