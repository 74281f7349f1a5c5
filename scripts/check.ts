/** `npm run check`: everything that is checked without running the product. Prints what is wrong, or one line. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

const bin = (name: string) => join('node_modules', '.bin', name)
const STEPS = [
  { name: 'format and lint', command: bin('biome'), options: ['check', '--error-on-warnings', '.'] },
  { name: 'types', command: bin('tsc'), options: ['-b'] },
  // Files, exports and dependencies that nothing uses. Types may be exported without a use.
  { name: 'unused', command: bin('knip'), options: ['--no-progress'] },
  { name: 'architecture', command: process.execPath, options: ['scripts/check-architecture.ts'] },
  { name: 'docs', command: process.execPath, options: ['scripts/docs.ts', '--check'] },
]

const failed: string[] = []
for (const { name, command, options } of STEPS) {
  const { status, stdout, stderr, error } = spawnSync(command, options, { encoding: 'utf8' })
  if (status === 0) continue
  failed.push(name)
  console.error(`--- ${name}\n${[stdout, stderr, error?.message].filter(Boolean).join('\n').trim()}\n`)
}

if (failed.length > 0) {
  console.error(`not well: ${failed.join(', ')}`)
  process.exitCode = 1
} else console.log(`all is well: ${STEPS.map(({ name }) => name).join(', ')}`)
