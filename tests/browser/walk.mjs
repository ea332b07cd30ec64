// What an operator does in the first days: the first login, a client, its secrets from the first to the last, and the
// trail of all that.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { PORTAL, SERVER, assertNoProblems, confirmed, enrol, inBrowser, look, open, typePassword } from './portal.mjs'

const { ADMIN, ADMIN_PASSWORD } = process.env
const CLIENT = 'billing-worker'
const NEW_PASSWORD = 'some words in a row, easily kept'

/** Asks for a token as the client does. */
async function authorize(clientSecret, clientId = CLIENT) {
  const body = new URLSearchParams({ client_id: clientId, client_secret: clientSecret })
  const answer = await fetch(`${SERVER}/authorize`, { method: 'POST', body })
  return { status: answer.status, ...(await answer.json()) }
}

/** Asks about a token as a microservice does. */
async function verify(token) {
  const answer = await fetch(`${SERVER}/verify`, { headers: { authorization: `Bearer ${token}` } })
  return { status: answer.status, ...(await answer.json()) }
}

/** Codes are shown once, and not left behind by mistake. */
async function recoveryCodes(portal) {
  const { page } = portal
  await page.getByText('Create recovery codes').click()
  await page.locator('form[action$="/recovery-codes"]').getByLabel('Current password').fill(NEW_PASSWORD)
  await page.getByRole('button', { name: 'Create codes' }).click()
  const shown = page.getByLabel('recovery codes', { exact: true })
  const codes = await shown.textContent()
  assert.match(codes, /^(([a-z2-9]{4}-){3}[a-z2-9]{4}\n?){10}$/)
  await page.getByRole('button', { name: 'Copy codes' }).click()
  await page.getByRole('button', { name: 'Copied' }).waitFor()
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), codes)
  await look(page, 'recovery-codes')
  portal.stays = true
  await page.getByRole('link', { name: 'Dashboard' }).click()
  await shown.waitFor()
  assert.equal(portal.leaving, 1)
  portal.stays = false
  await page.getByRole('link', { name: 'I have stored them' }).click()
  await page.getByText('10 left').waitFor()
  assert.equal(portal.leaving, 1)
  await page.goBack()
  await page.getByText('No codes to show.').waitFor()
  await page.getByRole('link', { name: 'Open account' }).click()
}

async function firstLogin(portal) {
  const { page } = portal
  await page.goto(`${PORTAL}/admin/`)
  assert.equal(new URL(page.url()).pathname, '/admin/login')
  await typePassword(page, ADMIN, 'not the password at all')
  await page.getByRole('alert').getByText('unknown or the password is wrong').waitFor()
  await look(page, 'login-refused')
  await typePassword(page, ADMIN, ADMIN_PASSWORD)

  await page.getByRole('heading', { name: 'Change your password' }).waitFor()
  await look(page, 'password-required')
  await page.getByLabel('Current password').fill(ADMIN_PASSWORD)
  await page.getByLabel('New password', { exact: true }).fill(NEW_PASSWORD)
  await page.getByLabel('New password, again').fill(NEW_PASSWORD)
  await page.getByRole('button', { name: 'Change' }).click()

  await page.getByRole('heading', { name: 'Add a second factor' }).waitFor()
  await look(page, 'second-factor-required')
  await enrol(page)
  await recoveryCodes(portal)
}

async function createClient(page) {
  await page.getByRole('link', { name: 'Clients' }).click()
  await look(page, 'clients-none')
  await page.getByRole('link', { name: 'Create client' }).first().click()
  await page.getByLabel('Client ID').fill(CLIENT)
  await page.getByLabel('Name', { exact: true }).fill('Billing worker')
  await page.getByLabel('Scopes', { exact: true }).fill('invoices.read invoices.write')
  await page.getByLabel('Audiences').fill('https://invoices.example.com')
  await page.getByText('Advanced', { exact: true }).click()
  await page.getByLabel('Description').fill('Writes the invoices of each month.\nAsk the people of Accounting.')
  const metadata = page.getByLabel('Metadata')
  await metadata.fill('{"tenant": "acme",')
  assert.equal(await metadata.getAttribute('aria-invalid'), 'true')
  await look(page, 'new-client-invalid')
  await page.getByRole('button', { name: 'Create client' }).click()
  // It does not leave the page.
  await metadata.fill('{"tenant": "acme", "roles": ["writer"]}')
  assert.equal(await metadata.getAttribute('aria-invalid'), 'false')
  await page.getByLabel('Token lifetime').fill('soon')
  await page.getByLabel('Quota').fill('many')
  await page.getByRole('button', { name: 'Create client' }).click()
  await page.getByRole('alert').getByText('2 fields were not accepted.').waitFor()
  const invalid = await page.locator('[aria-invalid=true]').evaluateAll((fields) => fields.map((field) => field.id))
  assert.deepEqual(invalid, ['token_ttl', 'token_quota'])
  assert.equal(await page.evaluate(() => document.activeElement.id), 'token_ttl')
  await look(page, 'new-client-refused')
  for (const name of ['Token lifetime', 'Quota']) await page.getByLabel(name).fill('')
  await page.getByRole('button', { name: 'Create client' }).click()
  return newSecret(page)
}

/** Reads the secret off the page that shows it once. */
async function newSecret(page) {
  await page.getByRole('heading', { name: `Secret of ${CLIENT}` }).waitFor()
  const shown = page.getByLabel('client_secret', { exact: true })
  const secret = await shown.textContent()
  assert.match(secret, /^tks_[0-9A-Za-z]{57}$/)
  const mask = () => shown.evaluate((code) => getComputedStyle(code).webkitTextSecurity)
  assert.equal(await mask(), 'disc')
  await page.getByRole('button', { name: 'Reveal' }).click()
  assert.equal(await mask(), 'none')
  await page.getByRole('button', { name: 'Hide' }).click()
  const copied = () => page.evaluate(() => navigator.clipboard.readText())
  await shown.locator('..').getByRole('button', { name: 'Copy' }).click()
  await page.getByRole('button', { name: 'Copied' }).waitFor()
  assert.equal(await copied(), secret)
  await page.getByRole('button', { name: 'Copied' }).waitFor({ state: 'hidden' })
  await page.getByRole('button', { name: 'Copy as .env' }).click()
  await page.getByRole('button', { name: 'Copied' }).waitFor()
  assert.equal(await copied(), `ISSUER=${SERVER}\nCLIENT_ID=${CLIENT}\nCLIENT_SECRET=${secret}\n`)
  return secret
}

/** Whoever leaves without having stored the secret is asked; whoever comes back finds nothing. */
async function leave(portal) {
  const { page } = portal
  const shown = page.getByLabel('client_secret', { exact: true })
  const [asked, path] = [portal.leaving, page.url()]
  portal.stays = true
  await page.getByRole('link', { name: 'Audit' }).click()
  await shown.waitFor()
  assert.equal(portal.leaving, asked + 1)
  portal.stays = false
  await page.getByRole('link', { name: 'Audit' }).click()
  await page.getByRole('heading', { name: 'Audit' }).first().waitFor()
  assert.equal(portal.leaving, asked + 2)
  for (const again of [() => page.goBack(), () => page.reload(), () => page.goto(path)]) {
    await again()
    await page.getByText('No secret to show.').waitFor()
    assert.equal(await shown.count(), 0)
  }
  await look(page, 'client-secret-shown')
  await page.getByRole('link', { name: 'Open client' }).click()
}

/** The programs beside a secret are whole: the first is run as it stands. */
async function tryPrograms(page, secret) {
  const languages = await page.locator('details[name=snippet] summary').allTextContents()
  assert.deepEqual(languages, [
    'curl', 'Node.js', 'Python', 'Go', 'Rust', 'Java', 'C#', 'PHP',
    'Python, Authlib', 'Node.js, openid-client', 'Go, x/oauth2', 'Java, Spring Boot',
  ])
  for (const language of languages) {
    const code = await page.getByLabel(language, { exact: true }).textContent()
    assert.ok(code.includes(secret) && code.includes(SERVER), code)
  }
  const curl = await page.getByLabel('curl', { exact: true }).textContent()
  const answer = execFileSync('bash', ['-c', `${curl} --silent`], { encoding: 'utf8' })
  assert.equal(JSON.parse(answer).client_id, CLIENT)
}

async function rotate(portal, first) {
  const { page } = portal
  const asked = portal.leaving
  await page.getByRole('link', { name: 'I have stored it' }).click()
  await page.getByRole('heading', { name: CLIENT }).waitFor()
  assert.equal(portal.leaving, asked)
  await look(page, 'client-new')

  await page.getByRole('link', { name: 'Rotate secret' }).click()
  const question = page.getByRole('dialog')
  await question.getByText('The old one works until it expires.').waitFor()
  await look(page, 'client-rotate')
  await question.getByLabel('New secret expires').selectOption('in 90 days')
  await question.getByRole('button', { name: 'Rotate secret' }).click()
  const second = await newSecret(page)
  await look(page, 'client-secret')
  for (const secret of [first, second]) assert.equal((await authorize(secret)).status, 200)
  await leave(portal)

  const rotation = page.getByRole('region', { name: 'Rotation' })
  await reloadUntil(page, rotation.getByText(/still used .* ago from 127\.0\.0\.1|still used now from/), 1)
  await reloadUntil(page, rotation.getByText('New secret in use'), 1)
  await look(page, 'client-rotating')
  await expire(page, first)
  assert.equal((await authorize(first)).error, 'invalid_client')
  assert.equal((await authorize(second)).status, 200)
  await confirmed(page, page.getByRole('link', { name: 'Finish' }), 'It has ended: safe to remove.', 'Delete old secrets')
  await page.getByRole('status').getByText('Rotation finished').waitFor()
  assert.equal(await rows(page).count(), 1)
  assert.equal((await authorize(second)).status, 200)
  return second
}

/** The secrets of the client that is shown. */
function rows(page) {
  return page.getByRole('region', { name: 'Secrets' }).locator('tbody tr')
}

/** Ends a secret that is in use, after a second thought. */
async function expire(page, secret) {
  const old = rows(page).filter({ hasText: hint(secret) })
  await old.getByRole('link', { name: 'Expire' }).click()
  const question = page.getByRole('dialog')
  await question.getByText(/In use: (once|\d+ times) in 24 hours, last .* ago from 127\.0\.0\.1/).waitFor()
  await look(page, 'secret-expire')
  // Whoever declines is where they were.
  await page.keyboard.press('Escape')
  await question.waitFor({ state: 'detached' })
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Expire')
  await page.keyboard.press('Enter')
  await question.getByLabel('Expires').selectOption('now')
  await question.getByRole('button', { name: 'Expire secret' }).click()
  await page.getByRole('status').getByText('Expiry of the secret set.').waitFor()
  await old.getByText('It has ended: safe to remove.').waitFor()
}

/** Uses are counted in memory first. */
async function reloadUntil(page, shown, count) {
  for (let n = 0; n < 100 && (await shown.count()) < count; n += 1) {
    await page.waitForTimeout(200)
    await page.reload()
  }
  assert.equal(await shown.count(), count)
}

/** What a page says of a secret, so that one can be told from another. */
function hint(secret) {
  return secret.slice(-4)
}

async function editAndDisable(page, secret) {
  await page.getByRole('link', { name: 'Edit', exact: true }).click()
  await page.getByLabel('Scopes', { exact: true }).fill('invoices.read')
  await page.getByLabel('Lifetime').fill('15m')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByRole('status').getByText('Changes saved.').waitFor()
  const granted = await authorize(secret)
  assert.deepEqual([granted.scope, granted.expires_in], ['invoices.read', 900])
  const verdict = await verify(granted.token)
  assert.deepEqual([verdict.status, verdict.metadata], [200, { tenant: 'acme', roles: ['writer'] }])

  await page.getByRole('link', { name: 'Token inspector', exact: true }).click()
  await page.getByLabel('Token', { exact: true }).fill(granted.token)
  await page.getByRole('button', { name: 'Inspect' }).click()
  await page.getByRole('heading', { name: 'Verdict' }).waitFor()
  await look(page, 'token-verdict')

  await page.goto(`${PORTAL}/admin/clients/${CLIENT}`)
  await page.getByRole('link', { name: 'Disable' }).click()
  await page.getByRole('dialog').getByText(/It got \d+ tokens? in 24 hours\. Last used .* ago from 127\.0\.0\.1\./).waitFor()
  await look(page, 'client-disable')
  await page.getByRole('dialog').getByRole('button', { name: 'Disable client' }).click()
  await page.getByRole('status').getByText('Client disabled and its tokens revoked').waitFor()
  assert.equal((await verify(granted.token)).status, 401)
  assert.equal((await authorize(secret)).error, 'invalid_client')
  await look(page, 'client-disabled')
}

const ACTIONS = [
  'client.create', 'secret.add', 'secret.expire', 'secret.expire', 'secret.delete', 'client.update', 'client.disable',
]

async function readTrail(page, secrets) {
  await page.getByRole('navigation', { name: 'Portal' }).getByRole('link', { name: 'Audit' }).click()
  await page.getByLabel('Client', { exact: true }).fill(CLIENT)
  await page.getByRole('button', { name: 'Search', exact: true }).click()
  const shown = await page.locator('tbody code.action').allTextContents()
  assert.deepEqual(shown.map((it) => it.trim()).reverse(), ACTIONS)
  await page.locator('tbody summary').first().click()
  await look(page, 'audit-of-client')

  const json = (await download(page, 'JSON lines')).trimEnd().split('\n').map((line) => JSON.parse(line))
  assert.deepEqual(json.map((it) => it.action), ACTIONS)
  for (const event of json) assert.deepEqual([event.actor, event.client_id], [ADMIN, CLIENT])
  const csv = await download(page, 'CSV')
  const [header, ...lines] = csv.trimEnd().split('\n')
  assert.match(header, /^event_id,at,actor_type,actor,source,/)
  assert.equal(lines.length, ACTIONS.length)
  ACTIONS.forEach((action, n) => assert.ok(lines[n].includes(`,${action},`), lines[n]))
  for (const secret of secrets) assert.ok(!csv.includes(secret) && !JSON.stringify(json).includes(secret))

  await page.getByRole('link', { name: 'Verify' }).click()
  await page.getByRole('button', { name: 'Verify' }).click()
  await page.getByRole('status').getByText(/^Intact: /).waitFor()
  await look(page, 'audit-verified')
}

async function download(page, name) {
  const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name }).click()])
  return readFileSync(await file.path(), 'utf8')
}

async function logOut({ page, context }) {
  const cookies = await context.cookies(`${PORTAL}/admin/`)
  await page.getByRole('button', { name: 'Log out' }).click()
  await page.waitForURL('**/admin/login')
  assert.deepEqual(await context.cookies(`${PORTAL}/admin/`), [])
  await context.addCookies(cookies)
  await page.goto(`${PORTAL}/admin/clients`)
  assert.equal(new URL(page.url()).pathname, '/admin/login')
}

await inBrowser(async (browser) => {
  const portal = await open(browser, { permissions: ['clipboard-read', 'clipboard-write'] })
  const { page } = portal
  await firstLogin(portal)
  const first = await createClient(page)
  await tryPrograms(page, first)
  assert.equal((await verify((await authorize(first)).token)).status, 200)
  const second = await rotate(portal, first)
  await editAndDisable(page, second)
  await readTrail(page, [first, second])
  await logOut(portal)
  assertNoProblems(portal)
})
