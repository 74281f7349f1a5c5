/**
 * `node scripts/set-version.ts 0.2.0` changes the version of Carillon: in every package.json with what they need of each other, in package-lock.json,
 * and in the one place where code reads it. `npm run check` fails when they differ.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readWorkspaces } from './architecture/source-files.ts'
import { VERSION_FILE } from './architecture/versions.ts'

interface Manifest {
  version?: string
  dependencies?: Record<string, string>
  devDependencies?: Record<string, string>
}

const [version = ''] = process.argv.slice(2)
if (!/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))
  throw new Error(`"${version}" is no version; say for instance: node scripts/set-version.ts 0.2.0`)

const workspaces = readWorkspaces()
const ours = new Set(workspaces.map(({ name }) => name))

function update(manifest: Manifest): void {
  const { dependencies = {}, devDependencies = {} } = manifest
  manifest.version = version
  for (const needed of [dependencies, devDependencies]) for (const name of Object.keys(needed)) if (ours.has(name)) needed[name] = version
}

function change<Content>(path: string, edit: (content: Content) => void): void {
  const content = JSON.parse(readFileSync(path, 'utf8')) as Content
  edit(content)
  writeFileSync(path, `${JSON.stringify(content, null, 2)}\n`)
}

const folders = ['', ...workspaces.map(({ folder }) => folder)]
for (const folder of folders) change(join(folder, 'package.json'), update)
change('package-lock.json', (lock: Manifest & { packages: Record<string, Manifest> }) => {
  lock.version = version
  for (const folder of folders) update(lock.packages[folder] ?? {})
})
writeFileSync(VERSION_FILE, readFileSync(VERSION_FILE, 'utf8').replace(/'.*'/, `'${version}'`))
console.log(`Carillon is ${version}; build and commit it`)
