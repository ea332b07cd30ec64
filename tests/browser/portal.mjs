// The portal in a headless Chromium: what every script here needs. What it is to find is in the environment, which
// tests/it/browser sets.
import assert from 'node:assert/strict'
import { X509Certificate, createHash, createHmac } from 'node:crypto'
import { mkdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { setTimeout as sleep } from 'node:timers/promises'
import { chromium } from 'playwright-core'

/** Where the portal is, and the server with it. */
export const { PORTAL, SERVER } = process.env

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const WIDTHS = { narrow: 400, middle: 900, wide: 1600 }
const THEMES = ['light', 'dark']

/** Runs a script in a browser of its own. */
export async function inBrowser(script) {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM,
    // Root has no sandbox.
    chromiumSandbox: process.getuid() !== 0,
    args: [`--ignore-certificate-errors-spki-list=${keyOfServer()}`, '--disable-dev-shm-usage'],
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
  const page = await context.newPage()
  // How often the browser asked whether to leave the page, and whether the answer is to stay.
  const portal = { context, page, problems, leaving: 0, stays: false }
  page.on('dialog', async (dialog) => {
    if (dialog.type() === 'beforeunload') portal.leaving += 1
    // The portal has no other: a script that somebody has put in would tell.
    else problems.push(dialog.message())
    await (portal.stays ? dialog.dismiss() : dialog.accept())
  })
  return portal
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
 * than its window or axe finds that somebody cannot use it.
 */
export async function look(page, name) {
  const folder = process.env.SCREENSHOTS
  const before = page.viewportSize()
  for (const [size, width] of Object.entries(WIDTHS)) {
    await page.setViewportSize({ width, height: 900 })
    for (const colorScheme of THEMES) {
      await page.emulateMedia({ colorScheme })
      await page.screenshot({ path: `${folder}/${name}-${size}-${colorScheme}.png`, fullPage: true })
      const [scroll, inner] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth])
      assert.ok(scroll <= inner, `${name} is ${scroll} px wide in a window of ${inner}`)
      // Both themes and all widths, and not each with each: axe takes its time.
      if ((size === 'narrow') === (colorScheme === 'dark')) await assertAccessible(page, `${name} (${size}, ${colorScheme})`)
    }
  }
  await page.emulateMedia({ colorScheme: null })
  await page.setViewportSize(before)
}

async function assertAccessible(page, what) {
  await page.evaluate(AXE)
  const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }))
  const told = found.violations.map(({ id, impact, help, nodes }) => {
    const where = nodes.map((node) => `  ${node.target.join(' ')}: ${node.failureSummary}`)
    return [`${impact} ${id}: ${help}`, ...where].join('\n')
  })
  assert.equal(told.length, 0, `${what}\n${told.join('\n')}`)
}
