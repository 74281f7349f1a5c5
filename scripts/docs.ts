/**
 * Writes the parts of the documents that follow from the code, between `<!-- generated: name -->` and `<!-- end -->`, and whole files in
 * docs/schemas. Needs a build.
 * `node scripts/docs.ts --check` writes nothing and fails when a part is not current.
 */
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { generatedFiles } from './docs/generated-files.ts'
import { SECTIONS } from './docs/sections.ts'

const PART = /(<!-- generated: ([a-z-]+) -->\n)[\s\S]*?(<!-- end -->)/g
const isCheck = process.argv.includes('--check')
const used = new Set<string>()
const stale: string[] = []

for (const path of globSync('{*.md,docs/*.md}').sort()) {
  const before = readFileSync(path, 'utf8')
  const after = before.replace(PART, (...match: string[]) => {
    const [, open, name = '', close] = match
    const section = SECTIONS[name]
    if (!section) throw new Error(`${path}: there is no generated part ${name}`)
    used.add(name)
    return `${open}\n${section()}\n\n${close}`
  })
  if (after === before) continue
  if (isCheck) stale.push(path)
  else writeFileSync(path, after)
}

const generated = generatedFiles()
for (const [path, text] of generated) {
  if (existsSync(path) && readFileSync(path, 'utf8') === text) continue
  if (isCheck) stale.push(path)
  else {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
  }
}
for (const path of globSync([...new Set([...generated.keys()].map((path) => `${dirname(path)}/*.json*`))])) {
  if (generated.has(path)) continue
  if (isCheck) stale.push(path)
  else rmSync(path)
}

const unused = Object.keys(SECTIONS).filter((name) => !used.has(name))
for (const path of stale) console.error(`${path} is not current: run \`npm run docs\``)
for (const name of unused) console.error(`no document has the generated part ${name}`)
if (stale.length + unused.length > 0) process.exitCode = 1
