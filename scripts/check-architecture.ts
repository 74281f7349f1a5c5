/**
 * Checks what the compiler cannot: which package may import which, what a domain may use, where time and randomness come from, one version
 * everywhere. Import cycles, `export *`, and the size of files and functions are rules of biome.json; what nothing uses is found by knip.
 */
import { readFileSync } from 'node:fs'
import { RULES } from './architecture/rules.ts'
import { readSourceFiles, readWorkspaces } from './architecture/source-files.ts'
import { changelog, versions } from './architecture/versions.ts'

const workspaces = readWorkspaces()
const tree = { workspaces, files: readSourceFiles(workspaces) }
const violations = [...[...RULES, versions].flatMap((rule) => rule(tree)), ...changelog(tree, readFileSync('CHANGELOG.md', 'utf8'))]

for (const { rule, where, what } of violations) console.error(`${where}: ${what} (${rule})`)
if (violations.length > 0) {
  console.error(`${violations.length} violations of the architecture; ARCHITECTURE.md has the rules and their reasons`)
  process.exitCode = 1
}
