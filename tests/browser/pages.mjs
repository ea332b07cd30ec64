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

/** What a route is asked with, where nothing else makes sense. */
const QUERIES = { '/admin/audit/export': '?format=csv' }

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

/** Whether a route leads to a page where it says that it is; if not, another window may be the right one. */
async function visit({ page }, route) {
  const answer = await page.goto(PORTAL + pathOf(route))
  if (new URL(page.url()).pathname !== pathOf(route) || !answer.ok()) return false
  await look(page, `page-${pictureOf(route)}`)
  return true
}

/** Files are no pages. */
async function isFile({ context }, route) {
  const answer = await context.request.get(PORTAL + pathOf(route) + (QUERIES[route.path] ?? ''), { maxRedirects: 0, ignoreHTTPSErrors: true })
  return answer.ok() && !answer.headers()['content-type'].startsWith('text/html')
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
  const [anyone, typing, inside] = [await open(browser), await open(browser), await open(browser)]
  await typePassword(inside.page, ADMIN, ADMIN_PASSWORD)
  await enrol(inside.page)
  await typePassword(typing.page, ADMIN, ADMIN_PASSWORD)
  await typing.page.waitForURL('**/admin/login/code')
  await inside.page.goto(`${PORTAL}/admin/clients/workload`)
  const remove = inside.page.locator('a[href*="/identities/"]').first()
  PATHS['/admin/clients/{client_id}/identities/{identity}/remove'] = await remove.getAttribute('href')
  await findNames(inside.page)
  NAMES['assets/{name}'] = (await inside.page.locator('link[rel=stylesheet]').getAttribute('href')).split('/').pop()

  let visited = 0
  for (const route of ROUTES) {
    if (await isFile(inside, route)) continue
    const windows = route.access === 'Anyone' ? [anyone] : [inside, typing]
    let found = false
    for (const window of windows) found ||= await visit(window, route)
    assert.ok(found, `${route.path} is no page for an owner, nor for who logs in`)
    visited += 1
  }
  assert.ok(visited > 15, String(visited))

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
  for (const window of [anyone, typing, inside]) assertNoProblems(window)
})
