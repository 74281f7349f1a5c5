/** What a browser must load before the first page is shown. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { consoleFolder } from '@carillon/console'

const LIMIT_KIB = 250
const read = (path: string) => readFileSync(join(consoleFolder, path))

/** A file and what it imports at once. */
function withImports(path: string, found = new Set<string>()): Set<string> {
  if (found.has(path)) return found
  found.add(path)
  for (const [, other = ''] of read(path)
    .toString()
    .matchAll(/(?:from|^import|;import)\s*"\.\/([\w.-]+\.js)"/g))
    withImports(`assets/${other}`, found)
  return found
}

const assets = readdirSync(join(consoleFolder, 'assets'))
const files = (pattern: RegExp) => assets.filter((name) => pattern.test(name)).map((name) => `assets/${name}`)

test('the first page, with the largest catalogue, is at most 250 KiB compressed', () => {
  const named = [
    ...read('index.html')
      .toString()
      .matchAll(/(?:src|href)="\/([^"]+)"/g),
  ].map(([, path = '']) => path)
  const catalogue = files(/^messages-.*\.js$/).sort((a, b) => read(b).length - read(a).length)[0] ?? assert.fail('no catalogue')
  const scripts = [...named, catalogue, ...files(/^overview-page-.*\.(js|css)$/)]
  const all = new Set(scripts.flatMap((path) => (path.endsWith('.js') ? [...withImports(path)] : [path])))
  const bytes = ['index.html', ...all].reduce((sum, path) => sum + gzipSync(read(path), { level: 6 }).length, 0)
  assert.ok(bytes > 50 * 1024, 'nothing was found')
  assert.ok(bytes <= LIMIT_KIB * 1024, `${Math.round(bytes / 1024)} KiB: ${[...all].join(', ')}`)
})

test('there is no schema library in it, and nothing inline in its page', () => {
  for (const path of files(/\.js$/)) assert.doesNotMatch(read(path).toString(), /ZodType|\bnew Function\(/, path)
  const html = read('index.html').toString()
  assert.doesNotMatch(html, /<script(?![^>]*\bsrc=)|<style|\bstyle="|\bon\w+="/)
})
