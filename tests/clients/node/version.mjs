// What every script here needs.
import { readFileSync } from 'node:fs'

/** Prints what is tested. */
export function versionOf(name) {
  const file = new URL(`node_modules/${name}/package.json`, import.meta.url)
  console.log(`${name} ${JSON.parse(readFileSync(file)).version}`)
}
