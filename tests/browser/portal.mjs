// The portal in a headless Chromium: what every script here needs. What it is to find is in the environment, which
// tests/it/browser sets.
import assert from 'node:assert/strict'
import { X509Certificate, createHash, createHmac } from 'node:crypto'
import { mkdirSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { setTimeout as sleep } from 'node:timers/promises'
import { chromium } from 'playwright-core'

/** Where the portal is, and the server with it. */
export const { PORTAL, SERVER } = process.env

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const WIDTHS = { narrow: 400, middle: 900, wide: 1600 }
const HEIGHT = 900

/** Runs a script in a browser of its own. */
export async function inBrowser(script) {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM,
    // Root has no sandbox.
    chromiumSandbox: process.getuid() !== 0,
    args: [`--ignore-certificate-errors-spki-list=${keyOfServer()}`, '--disable-dev-shm-usage', '--disable-gpu'],
  })
  mkdirSync(process.env.SCREENSHOTS, { recursive: true })
  try {
    await script(browser)
  } catch (error) {
    const pages = browser.contexts().flatMap((context) => context.pages())
    for (const [n, page] of pages.entries()) {
      await page.screenshot({ path: `${process.env.SCREENSHOTS}/failed-${n}.png`, fullPage: true }).catch(() => {})
    }
    throw error
  } finally {
    await browser.close()
  }
}

/** The certificate is nobody's; this key alone is trusted, so that the browser takes the connection for a good one. */
function keyOfServer() {
  const { publicKey } = new X509Certificate(readFileSync(process.env.NODE_EXTRA_CA_CERTS))
  return createHash('sha256').update(publicKey.export({ type: 'spki', format: 'der' })).digest('base64')
}

/** A window that nobody is logged in at, and what went wrong in it. */
export async function open(browser, settings = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, locale: 'en-GB', ...settings })
  context.setDefaultTimeout(20_000)
  const problems = []
  context.on('console', (message) => {
    const { url } = message.location()
    // That a page itself is an error page is asserted where it is asked for.
    const isPage = message.text().startsWith('Failed to load resource') && url === message.page()?.url()
    if (['error', 'warning'].includes(message.type()) && !isPage) problems.push(`${url}: ${message.text()}`)
  })
  context.on('weberror', (error) => problems.push(`${error.page()?.url()}: ${error.error()}`))
  context.on('requestfailed', (request) => {
    // A download is no navigation any more.
    if (!/ERR_ABORTED/.test(request.failure().errorText)) problems.push(`${request.url()}: ${request.failure().errorText}`)
  })
  // How often the browser asked whether to leave the page, and whether the answer is to stay.
  const portal = { context, problems, leaving: 0, stays: false }
  context.on('dialog', async (dialog) => {
    if (dialog.type() === 'beforeunload') portal.leaving += 1
    // The portal has no other: a script that somebody has put in would tell.
    else problems.push(dialog.message())
    await (portal.stays ? dialog.dismiss() : dialog.accept())
  })
  portal.page = await context.newPage()
  return portal
}

/** Counts the clicks of the pointer and the pages that load in this window from now on, unless they are paused. */
export async function countCosts(portal) {
  const costs = { clicks: 0, loads: 0, isPaused: false }
  const count = (what) => { if (!costs.isPaused) costs[what] += 1 }
  await portal.context.exposeBinding('countClick', () => count('clicks'))
  await portal.context.addInitScript(() => {
    // A key that presses a button is a click without a detail.
    addEventListener('click', ({ isTrusted, detail }) => { if (isTrusted && detail > 0) globalThis.countClick() }, true)
  })
  portal.page.on('domcontentloaded', () => count('loads'))
  portal.costs = costs
}

/** Fails when the console had an error or a refusal of the content security policy. */
export function assertNoProblems({ problems }) {
  assert.deepEqual(problems, [])
}

/** What an authenticator app does (RFC 6238). Each code is good once, so the next one may have to be waited for. */
export class App {
  #key
  #last = 0

  constructor(secret) {
    this.#key = fromBase32(secret.replace(/\s/g, ''))
  }

  async code() {
    for (;;) {
      const seconds = Date.now() / 1000
      const now = Math.floor(seconds / 30)
      // The step before is good too, if it will be when the code arrives.
      const earliest = 30 - (seconds % 30) > 10 ? now - 1 : now
      const step = Math.max(earliest, this.#last + 1)
      if (step <= now + 1) {
        this.#last = step
        return this.#at(step)
      }
      await sleep(500)
    }
  }

  #at(step) {
    const counter = Buffer.alloc(8)
    counter.writeBigUInt64BE(BigInt(step))
    const mac = createHmac('sha1', this.#key).update(counter).digest()
    const number = mac.readUInt32BE(mac[19] & 15) & 0x7fffffff
    return String(number % 1_000_000).padStart(6, '0')
  }
}

function fromBase32(text) {
  const bits = [...text].map((c) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(c).toString(2).padStart(5, '0')).join('')
  return Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)))
}

/** Types name and password. */
export async function typePassword(page, name, password) {
  await page.goto(`${PORTAL}/admin/login`)
  await page.getByLabel('Name').fill(name)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Log in' }).click()
}

/** From the page that asks for a second factor to one that is there. */
export async function enrol(page, password) {
  const secret = await page.getByLabel('secret', { exact: true }).textContent()
  const app = new App(secret)
  await page.getByLabel('Code of the app').fill(await app.code())
  // A login that goes on has typed it just now.
  if (password) await page.getByLabel('Current password').fill(password)
  await page.getByRole('button', { name: 'Add', exact: true }).click()
  await page.waitForURL('**/admin/account?done=second-factor')
  return app
}

/** Asks for something, reads what breaks, and confirms it. */
export async function confirmed(page, link, said, button, typed) {
  await link.click()
  const dialog = page.getByRole('dialog')
  await dialog.getByText(said).waitFor()
  if (typed) await dialog.getByRole('textbox').fill(typed)
  await dialog.getByRole('button', { name: button }).click()
}

/**
 * Looks at the page that is open as people with different screens do, keeps a picture of each, and fails when it is wider
 * than its window or axe finds that somebody cannot use it. Axe looks at the narrow layout in the dark, at the middle one in
 * the light, and at the wide one only if it is another one.
 */
export async function look(page, name) {
  const before = page.viewportSize()
  const known = new Set()
  await page.evaluate(AXE)
  // Each begins with the theme with which the one before ended.
  for (const [n, [size, width]] of Object.entries(WIDTHS).entries()) {
    const themes = n % 2 === 0 ? ['dark', 'light'] : ['light', 'dark']
    await page.setViewportSize({ width, height: HEIGHT })
    await page.emulateMedia({ colorScheme: themes[0] })
    const { scroll, inner, height, layout } = await page.evaluate(measure)
    assert.ok(scroll <= inner, `${name} is ${scroll} px wide in a window of ${inner}`)
    if (size === 'middle' || !known.has(layout)) await assertAccessible(page, `${name} (${size}, ${themes[0]})`)
    known.add(layout)
    for (const colorScheme of themes) {
      await page.emulateMedia({ colorScheme })
      await picture(page, `${name}-${size}-${colorScheme}`, { width, height: Math.max(height, HEIGHT) })
    }
  }
  await page.emulateMedia({ colorScheme: null })
  await page.setViewportSize(before)
}

/** How wide and high the page is, and in a text what axe may judge otherwise in another width: what is shown, and what scrolls. */
function measure() {
  const root = document.documentElement
  const layout = [...document.body.querySelectorAll('*')].map((element) => {
    const { display, position, visibility, overflowX, overflowY } = getComputedStyle(element)
    const scrolls = overflowX + overflowY !== 'visiblevisible' &&
      (element.scrollWidth > element.clientWidth || element.scrollHeight > element.clientHeight)
    return `${display} ${position} ${visibility} ${scrolls} ${element.tabIndex}`
  })
  return { scroll: root.scrollWidth, inner: innerWidth, height: root.scrollHeight, layout: layout.join('\n') }
}

/** The connection of a page that takes its pictures: Playwright itself asks for the smallest file, which takes longest. */
const CAMERAS = new WeakMap()

async function picture(page, name, size) {
  // Pictures are for people, and nobody looks at them in CI.
  if (process.env.CI) return
  if (!CAMERAS.has(page)) CAMERAS.set(page, await page.context().newCDPSession(page))
  const clip = { x: 0, y: 0, ...size, scale: 1 }
  const how = { format: 'png', optimizeForSpeed: true, captureBeyondViewport: true, clip }
  const { data } = await CAMERAS.get(page).send('Page.captureScreenshot', how)
  const file = Buffer.from(data, 'base64')
  assert.deepEqual([file.readUInt32BE(16), file.readUInt32BE(20)], [size.width, size.height], name)
  await writeFile(`${process.env.SCREENSHOTS}/${name}.png`, file)
}

async function assertAccessible(page, what) {
  const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }))
  const told = found.violations.map(({ id, impact, help, nodes }) => {
    const where = nodes.map((node) => `  ${node.target.join(' ')}: ${node.failureSummary}`)
    return [`${impact} ${id}: ${help}`, ...where].join('\n')
  })
  assert.equal(told.length, 0, `${what}\n${told.join('\n')}`)
}
