/**
 * `npm run chaos`: hurts a mesh of real processes and keeps books of what came of it. Options: `--only executor-kill,broker-wipe`,
 * `--seed 7` (default: a fresh one, which is printed), `--size short|full`, `--twins no|also|only` (the same without the guard: it must
 * fail; default also, in the short size).
 */
import { parseArgs } from 'node:util'
import { GUARDS } from './guards.ts'
import { examplesOf, lineOf, play } from './play.ts'
import type { Scenario } from './scenario.ts'
import { SCENARIOS } from './scenarios.ts'

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
    size: { type: 'string', default: 'full' },
    twins: { type: 'string', default: 'also' },
  },
})
const names = options.only?.split(',') ?? SCENARIOS.map(({ name }) => name)
const seed = Number(options.seed)
let failures = 0

for (const name of names) {
  const scenario = SCENARIOS.find((one) => one.name === name)
  if (!scenario) throw new Error(`there is no scenario "${name}"; there are ${SCENARIOS.map((one) => one.name).join(', ')}`)
  if (options.twins !== 'only') await played(scenario)
  if (options.twins !== 'no') await twin(scenario)
}
console.log(failures === 0 ? 'chaos: all is well' : `chaos: ${failures} failed`)
process.exitCode = failures === 0 ? 0 : 1

async function played(scenario: Scenario): Promise<void> {
  const outcome = await play(scenario, { seed, size: options.size === 'short' ? 'short' : 'full', withoutGuard: false })
  const isProof = outcome.hits > 0 && outcome.faults.length === 0
  if (!isProof) failures++
  console.log(`${isProof ? 'ok  ' : 'FAIL'} ${lineOf(outcome)}${outcome.hits === 0 ? ' NO HITS' : ''}`)
  if (!isProof) for (const line of examplesOf(outcome)) console.log(`     ${line}`)
}

async function twin(scenario: Scenario): Promise<void> {
  const outcome = await play(scenario, { seed, size: 'short', withoutGuard: true })
  const isRed = outcome.faults.length > 0
  if (!isRed) failures++
  console.log(
    `${isRed ? 'ok  ' : 'FAIL'} ${scenario.name}, when ${GUARDS[scenario.guard].without}: ${isRed ? `red, ${outcome.faults.join(' ')}` : 'NOT RED'} seconds=${outcome.seconds}`,
  )
}
