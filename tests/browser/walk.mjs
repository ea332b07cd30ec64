// What an operator does in the first days: the first login, a client, its secrets from the first to the last, and the
// trail of all that.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { PORTAL, SERVER, assertNoProblems, confirmed, countCosts, enrol, inBrowser, look, open, typePassword } from './portal.mjs'

const { ADMIN, ADMIN_PASSWORD } = process.env

/**
 * Does a task of the operator's day, which takes so many clicks of the pointer and so many pages that load. Fields are reached by
 * Tab, as those who do this daily do.
 */
async function task({ costs }, name, clicks, loads, steps) {
  const before = { ...costs }
  const made = await steps()
  const taken = { clicks: costs.clicks - before.clicks, loads: costs.loads - before.loads }
  console.log(`${name}: ${taken.clicks} clicks, ${taken.loads} page loads`)
  assert.deepEqual(taken, { clicks, loads }, name)
  return made
}

/** What the test looks at beside a task, and nobody else does. */
async function aside({ costs }, steps) {
  costs.isPaused = true
  const made = await steps()
  costs.isPaused = false
  return made
}
const CLIENT = 'billing-worker'
const METADATA = '{"tenant": "acme", "roles": ["writer"]}'
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
  await task(portal, 'first login', 3, 4, async () => {
    await typePassword(page, ADMIN, ADMIN_PASSWORD)
    await page.getByRole('heading', { name: 'Change your password' }).waitFor()
    await aside(portal, () => refuseNewPassword(page))
    await page.getByLabel('Current password').fill(ADMIN_PASSWORD)
    await page.getByLabel('New password', { exact: true }).fill(NEW_PASSWORD)
    await page.getByLabel('New password, again').fill(NEW_PASSWORD)
    await page.getByRole('button', { name: 'Change password' }).click()
    await page.getByRole('heading', { name: 'Add a second factor' }).waitFor()
    await look(page, 'second-factor-required')
    await enrol(page)
  })
  await recoveryCodes(portal)
}

/** Everything that is wrong is told at once, and the first wrong field has the focus. */
async function refuseNewPassword(page) {
  await look(page, 'password-required')
  await page.getByLabel('Current password').fill(ADMIN_PASSWORD)
  await page.getByLabel('New password', { exact: true }).fill('short')
  await page.getByLabel('New password, again').fill('other')
  await page.getByRole('button', { name: 'Change password' }).click()
  await page.getByRole('alert').getByText('2 fields were not accepted.').waitFor()
  assert.equal(await page.evaluate(() => document.activeElement.id), 'new')
  await page.getByRole('alert').getByRole('link', { name: 'New password, again' }).waitFor()
  await look(page, 'password-refused')
}

/** A form that was not accepted, twice: by the browser, and by the server. */
async function refuseClient(page) {
  await page.getByRole('link', { name: 'Clients' }).click()
  await look(page, 'clients-none')
  await page.getByRole('link', { name: 'Create client' }).first().click()
  await page.getByLabel('Client ID').fill(CLIENT)
  await page.getByText('Advanced', { exact: true }).click()
  await page.getByLabel('Description').fill('Writes the invoices of each month.\nAsk the people of Accounting.')
  const metadata = page.getByLabel('Metadata')
  await metadata.fill('{"tenant": "acme",')
  assert.equal(await metadata.getAttribute('aria-invalid'), 'true')
  await look(page, 'new-client-invalid')
  await page.getByRole('button', { name: 'Create client' }).click()
  // It does not leave the page.
  await metadata.fill(METADATA)
  assert.equal(await metadata.getAttribute('aria-invalid'), 'false')
  await page.getByLabel('Token lifetime').fill('soon')
  await page.getByLabel('Quota').fill('many')
  await page.getByRole('button', { name: 'Create client' }).click()
  await page.getByRole('alert').getByText('2 fields were not accepted.').waitFor()
  const invalid = await page.locator('[aria-invalid=true]').evaluateAll((fields) => fields.map((field) => field.id))
  assert.deepEqual(invalid, ['token_ttl', 'token_quota'])
  assert.equal(await page.evaluate(() => document.activeElement.id), 'token_ttl')
  assert.equal(await metadata.inputValue(), METADATA)
  await look(page, 'new-client-refused')
}

/** From the first page of a service without clients to the page of one. */
async function createClient(portal) {
  const { page } = portal
  await page.getByRole('link', { name: 'Dashboard' }).click()
  await look(page, 'dashboard-first-steps')
  return task(portal, 'create a client and copy its secret', 4, 3, async () => {
    await page.getByRole('link', { name: 'Create client' }).click()
    await page.getByLabel('Client ID').fill(CLIENT)
    await page.getByLabel('Name', { exact: true }).fill('Billing worker')
    await page.getByLabel('Scopes', { exact: true }).fill('invoices.read invoices.write')
    await page.getByLabel('Audiences').fill('https://invoices.example.com')
    await page.getByRole('button', { name: 'Create client' }).click()
    const secret = await copySecret(page)
    await aside(portal, async () => {
      await lookAtSecret(page, secret)
      await tryPrograms(page, secret)
    })
    await store(portal)
    return secret
  })
}

/** Copies the secret from the page that shows it once. */
async function copySecret(page) {
  await page.getByRole('heading', { name: `Secret of ${CLIENT}` }).waitFor()
  const shown = page.getByLabel('client_secret', { exact: true })
  await shown.locator('..').getByRole('button', { name: 'Copy' }).click()
  await page.getByRole('button', { name: 'Copied' }).waitFor()
  const secret = await page.evaluate(() => navigator.clipboard.readText())
  assert.match(secret, /^tks_[0-9A-Za-z]{57}$/)
  return secret
}

/** Whoever has stored the secret is not asked whether to leave. */
async function store(portal) {
  const { page } = portal
  const asked = portal.leaving
  await page.getByRole('link', { name: 'I have stored it' }).click()
  await page.getByRole('heading', { name: CLIENT }).waitFor()
  assert.equal(portal.leaving, asked)
}

/** It is masked until somebody asks to see it, and can be copied for a file. */
async function lookAtSecret(page, secret) {
  const shown = page.getByLabel('client_secret', { exact: true })
  assert.equal(await shown.textContent(), secret)
  const mask = () => shown.evaluate((code) => getComputedStyle(code).webkitTextSecurity)
  assert.equal(await mask(), 'disc')
  await page.getByRole('button', { name: 'Reveal' }).click()
  assert.equal(await mask(), 'none')
  await page.getByRole('button', { name: 'Hide' }).click()
  await page.getByRole('button', { name: 'Copied' }).waitFor({ state: 'hidden' })
  await page.getByRole('button', { name: 'Copy as .env' }).click()
  await page.getByRole('button', { name: 'Copied' }).waitFor()
  const copied = await page.evaluate(() => navigator.clipboard.readText())
  assert.equal(copied, `ISSUER=${SERVER}\nCLIENT_ID=${CLIENT}\nCLIENT_SECRET=${secret}\n`)
}

/** Whoever leaves without having stored the secret is asked; whoever comes back finds nothing. */
async function leave(portal) {
  const { page } = portal
  await page.goto(`${PORTAL}/admin/new-client`)
  await page.getByLabel('Client ID').fill('left-behind')
  await page.getByRole('button', { name: 'Create client' }).click()
  await page.getByRole('heading', { name: 'Secret of left-behind' }).waitFor()
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
  await page.getByRole('heading', { name: 'left-behind' }).waitFor()
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
  await look(page, 'client-new')
  const second = await task(portal, 'rotate a secret', 6, 3, async () => {
    await page.getByRole('link', { name: 'Rotate secret' }).click()
    const question = page.getByRole('dialog')
    await question.getByText('The old one works until it expires.').waitFor()
    await aside(portal, async () => {
      assert.equal(await rows(page).count(), 1, 'the question makes no secret')
      await look(page, 'client-rotate')
      await question.getByLabel('New secret expires').selectOption('in 90 days')
    })
    await question.getByRole('button', { name: 'Rotate secret' }).click()
    const made = await copySecret(page)
    await aside(portal, () => look(page, 'client-secret'))
    await store(portal)
    await aside(portal, () => bothWork(page, first, made))
    await page.getByRole('link', { name: 'Finish' }).click()
    await page.getByRole('dialog').getByText('It has expired: safe to remove.').waitFor()
    await aside(portal, async () => assert.equal(await rows(page).count(), 2, 'the question deletes nothing'))
    await page.getByRole('dialog').getByRole('button', { name: 'Delete old secrets' }).click()
    await page.getByRole('status').getByText('Rotation finished').waitFor()
    return made
  })
  assert.equal(await rows(page).count(), 1)
  assert.equal((await authorize(second)).status, 200)
  return second
}

/** While a rotation is on, the page tells whether the old secret is still used. */
async function bothWork(page, first, second) {
  for (const secret of [first, second]) assert.equal((await authorize(secret)).status, 200)
  const rotation = page.getByRole('region', { name: 'Rotation' })
  await reloadUntil(page, rotation.getByText(/still used .* ago from 127\.0\.0\.1|still used now from/), 1)
  await reloadUntil(page, rotation.getByText('New secret in use'), 1)
  await look(page, 'client-rotating')
  await expire(page, first)
  assert.equal((await authorize(first)).error, 'invalid_client')
  assert.equal((await authorize(second)).status, 200)
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
  await old.getByText('It has expired: safe to remove.').waitFor()
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

async function edit(page, secret) {
  await page.getByRole('link', { name: 'Edit', exact: true }).click()
  await page.getByLabel('Scopes', { exact: true }).fill('invoices.read')
  await page.getByText('Advanced', { exact: true }).click()
  await page.getByLabel('Description').fill('Writes the invoices of each month.\nAsk the people of Accounting.')
  await page.getByLabel('Metadata').fill(METADATA)
  await page.getByLabel('Lifetime').fill('15m')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByRole('status').getByText('Changes saved.').waitFor()
  const granted = await authorize(secret)
  assert.deepEqual([granted.scope, granted.expires_in], ['invoices.read', 900])
  const verdict = await verify(granted.token)
  assert.deepEqual([verdict.status, verdict.metadata], [200, JSON.parse(METADATA)])

  await page.getByRole('link', { name: 'Token inspector', exact: true }).click()
  await page.getByLabel('Token', { exact: true }).fill(granted.token)
  await page.getByRole('button', { name: 'Inspect' }).click()
  await page.getByRole('heading', { name: 'Verdict' }).waitFor()
  await look(page, 'token-verdict')
  await page.goto(`${PORTAL}/admin/clients/${CLIENT}`)
  return granted.token
}

/** Nothing of the danger zone happens in one click. */
async function declineAll(page, token, secret) {
  for (const name of ['Revoke tokens', 'Disable', 'Delete']) {
    const link = page.getByRole('region', { name: 'Danger zone' }).getByRole('link', { name })
    await link.click()
    await page.getByRole('dialog').waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
  }
  assert.equal((await verify(token)).status, 200)
  assert.equal((await authorize(secret)).status, 200)
}

async function disable(portal, token, secret) {
  const { page } = portal
  await declineAll(page, token, secret)
  await task(portal, 'disable a client', 2, 1, async () => {
    await page.getByRole('link', { name: 'Disable' }).click()
    const said = /It got \d+ tokens? in 24 hours\. Last used .* ago from 127\.0\.0\.1\./
    await page.getByRole('dialog').getByText(said).waitFor()
    await aside(portal, async () => {
      await look(page, 'client-disable')
      assert.equal((await verify(token)).status, 200, 'the question disables nothing')
    })
    await page.getByRole('dialog').getByRole('button', { name: 'Disable client' }).click()
    await page.getByRole('status').getByText('Client disabled and its tokens revoked').waitFor()
  })
  assert.equal((await verify(token)).status, 401)
  assert.equal((await authorize(secret)).error, 'invalid_client')
  await look(page, 'client-disabled')
}

/** Why the last request was refused, and the way to mend that. */
async function explain(portal) {
  const { page } = portal
  const row = page.getByRole('row').filter({ hasText: 'the client is disabled' }).first()
  await task(portal, 'explain a refused request', 1, 1, async () => {
    await page.getByRole('navigation', { name: 'Portal' }).getByRole('link', { name: 'Troubleshoot' }).click()
    await row.waitFor()
  })
  await look(page, 'explain-recent')
  await row.getByRole('link', { name: 'Enable client' }).click()
  await page.getByRole('heading', { name: CLIENT }).waitFor()
}

const ACTIONS = [
  'client.create', 'secret.add', 'secret.expire', 'secret.expire', 'secret.delete', 'client.update', 'client.disable',
]

async function readTrail(portal, secrets) {
  const { page } = portal
  await task(portal, 'find an event in the trail', 1, 1, async () => {
    await page.getByRole('link', { name: 'All changes of this client' }).click()
    await page.getByText(`disabled client ${CLIENT}`).waitFor()
  })
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
  await countCosts(portal)
  await firstLogin(portal)
  await refuseClient(page)
  const first = await createClient(portal)
  assert.equal((await verify((await authorize(first)).token)).status, 200)
  const second = await rotate(portal, first)
  const token = await edit(page, second)
  await disable(portal, token, second)
  await explain(portal)
  await readTrail(portal, [first, second])
  await leave(portal)
  await logOut(portal)
  assertNoProblems(portal)
})
