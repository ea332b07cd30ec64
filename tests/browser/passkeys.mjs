// A passkey in the place of a code, with an authenticator that Chromium plays.
import assert from 'node:assert/strict'
import { PORTAL, assertNoProblems, enrol, inBrowser, look, open, typePassword } from './portal.mjs'

const { ADMIN, ADMIN_PASSWORD } = process.env

/** A device that its owner touches at once. */
async function plugIn({ context, page }) {
  const cdp = await context.newCDPSession(page)
  await cdp.send('WebAuthn.enable')
  const options = {
    protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true,
    automaticPresenceSimulation: true,
  }
  const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', { options })
  return (isUserVerified) => cdp.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified })
}

async function logInAgain(page) {
  await page.getByRole('button', { name: 'Log out' }).click()
  await typePassword(page, ADMIN, ADMIN_PASSWORD)
  await page.getByRole('heading', { name: 'Second factor', level: 1 }).waitFor()
}

async function removePasskey(page) {
  await page.getByText('Remove The key on my ring').click()
  const form = page.locator('form[action*="/passkeys/"]')
  await form.getByLabel('Current password').fill(ADMIN_PASSWORD)
  await form.getByRole('button', { name: 'Remove' }).click()
}

await inBrowser(async (browser) => {
  const portal = await open(browser)
  const { page } = portal
  const recognise = await plugIn(portal)
  await typePassword(page, ADMIN, ADMIN_PASSWORD)
  await page.getByRole('link', { name: 'Use a passkey instead' }).click()
  await page.getByLabel('Name').fill('The key on my ring')
  await page.getByRole('button', { name: 'Add', exact: true }).click()
  await page.getByRole('status').getByText('Your passkey is added.').waitFor()
  await look(page, 'account-passkey')

  // The device knows that it has one here.
  await page.getByRole('link', { name: 'Add passkey' }).click()
  await page.getByLabel('Name').fill('The same one')
  await page.getByLabel('Current password').fill(ADMIN_PASSWORD)
  await page.getByRole('button', { name: 'Add', exact: true }).click()
  await page.getByRole('alert').getByText('This passkey is already added.').waitFor()
  await look(page, 'passkey-twice')

  await logInAgain(page)
  await look(page, 'login-passkey')
  await recognise(false)
  await page.getByRole('button', { name: 'Use a passkey' }).click()
  await page.getByRole('alert').getByText('The passkey was cancelled').waitFor()
  await recognise(true)
  await page.getByRole('button', { name: 'Use a passkey' }).click()
  await page.getByRole('heading', { name: 'Dashboard' }).waitFor()

  await page.goto(`${PORTAL}/admin/account`)
  await removePasskey(page)
  await page.getByText('This is your only second factor').waitFor()
  await page.goto(`${PORTAL}/admin/account/second-factor`)
  await enrol(page, ADMIN_PASSWORD)
  await logInAgain(page)
  await look(page, 'login-passkey-or-code')
  await page.getByRole('button', { name: 'Use a passkey' }).click()
  await page.getByRole('heading', { name: 'Dashboard' }).waitFor()
  await page.goto(`${PORTAL}/admin/account`)
  await removePasskey(page)
  await page.getByRole('status').getByText('Your passkey is removed.').waitFor()
  assert.equal(await page.getByText('The key on my ring').count(), 0)
  assertNoProblems(portal)
})
