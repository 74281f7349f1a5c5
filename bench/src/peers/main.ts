/** `npm run bench -- --peers`: Carillon beside other systems; bench/README.md says how to run and read it. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { findMongodb } from '../mongodb.ts'
import { MONGODB, PEERS, type PeerName } from './all.ts'
import { fallenBelow, heldOf, type Ratios, ratiosOf, spreadsOf } from './comparison.ts'
import type { Figures } from './peer.ts'

type Outcome = { readonly keeps: string; readonly figures: Figures } | { readonly error: string }

interface Measured {
  readonly rounds: ReadonlyMap<PeerName, Figures[]>
  readonly keeps: ReadonlyMap<PeerName, string>
  readonly failed: ReadonlyMap<PeerName, string>
}

const BASELINE = fileURLToPath(new URL('../../baseline.json', import.meta.url))
const ALL = Object.keys(PEERS) as PeerName[]
const say = (line: string) => console.error(`bench: ${line}`)

const { values: options } = parseArgs({
  options: {
    peers: { type: 'boolean' },
    only: { type: 'string', default: ALL.join(',') },
    rounds: { type: 'string', default: '3' },
    runs: { type: 'string', default: '40000' },
    calls: { type: 'string', default: '200' },
    leaves: { type: 'string', default: '10000' },
    jobs: { type: 'string', default: '1000' },
    json: { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
    store: { type: 'boolean', default: false },
  },
})

function numberOf(name: 'rounds' | 'runs' | 'calls' | 'leaves' | 'jobs'): number {
  if (!/^[1-9]\d{0,6}$/.test(options[name])) throw new Error(`--${name} is "${options[name]}"; it must be a whole number from 1 to 9999999`)
  return Number(options[name])
}

function namesOf(only: string): PeerName[] {
  const names = only.split(',')
  for (const name of names) if (!Object.hasOwn(PEERS, name)) throw new Error(`--only names "${name}"; there are ${ALL.join(', ')}`)
  return names as PeerName[]
}

/** In a process of its own, and in a database of its own, so that no turn finds what another left. */
async function turnOf(name: PeerName, counts: object, mongodbUrl: string | undefined): Promise<Outcome> {
  const database = mongodbUrl ? new URL(mongodbUrl) : undefined
  if (database) database.pathname = `/carillon_bench_${process.pid}`
  const env = { ...process.env, ...(database ? { CARILLON_TEST_MONGODB_URL: database.href } : {}) }
  const child = fork(fileURLToPath(new URL('./turn.js', import.meta.url)), [name, JSON.stringify(counts)], { env })
  let outcome: Outcome | undefined
  child.on('message', (message: Outcome) => {
    outcome = message
  })
  const [code] = await once(child, 'close')
  return outcome ?? { error: `the turn ended with code ${code}` }
}

/** In turns, so that what changes on the machine meanwhile meets all. A peer that fails once has no further turn. */
async function measure(names: readonly PeerName[]): Promise<Measured> {
  const counts = { runs: numberOf('runs'), calls: numberOf('calls'), leaves: numberOf('leaves'), jobs: numberOf('jobs') }
  const rounds = new Map<PeerName, Figures[]>()
  const failed = new Map<PeerName, string>()
  const keeps = new Map<PeerName, string>()
  const mongodbUrl = names.includes(MONGODB) ? await findMongodb() : undefined
  if (names.includes(MONGODB) && !mongodbUrl)
    failed.set(MONGODB, 'there is no MongoDB; put mongod on PATH or set CARILLON_TEST_MONGODB_URL')
  for (let round = 1; round <= numberOf('rounds'); round++)
    for (const name of names.filter((name) => !failed.has(name))) {
      const outcome = await turnOf(name, counts, mongodbUrl)
      say(`round ${round}, ${name}: ${JSON.stringify(outcome)}`)
      if ('error' in outcome) failed.set(name, outcome.error)
      else {
        rounds.set(name, [...(rounds.get(name) ?? []), outcome.figures])
        keeps.set(name, outcome.keeps)
      }
    }
  return { rounds, keeps, failed }
}

/** The tables, for people. */
function show(figures: Readonly<Record<string, ReturnType<typeof spreadsOf>>>, ratios: Ratios): void {
  const cells = (row: ReturnType<typeof spreadsOf>) =>
    Object.entries(row).map(([figure, { median, least, most }]) => [figure, `${median} (${least}–${most})`])
  console.table(Object.fromEntries(Object.entries(figures).map(([name, row]) => [name, Object.fromEntries(cells(row))])))
  const table: Record<string, Record<string, number>> = {}
  for (const [name, ratio] of Object.entries(ratios)) {
    const [pair = '', figure = ''] = name.split(' ')
    table[pair] = { ...table[pair], [figure]: ratio }
  }
  if (Object.keys(table).length > 0) console.table(table)
}

const names = namesOf(options.only)
if (options.check && !existsSync(BASELINE)) throw new Error('--check needs bench/baseline.json; store one with --store')
const { rounds, keeps, failed } = await measure(names)
const figures = Object.fromEntries([...rounds].map(([name, of]) => [name, spreadsOf(of)]))
const ratios = ratiosOf(Object.fromEntries(rounds))
for (const [name, what] of keeps) say(`${name} keeps ${what}`)
for (const [name, reason] of failed) say(`${name} is not measured: ${reason}`)
if (options.json) console.log(JSON.stringify({ figures, keeps: Object.fromEntries(keeps), failed: Object.fromEntries(failed), ratios }))
else show(figures, ratios)
const complaints = options.check ? fallenBelow(JSON.parse(readFileSync(BASELINE, 'utf8')) as Ratios, ratios) : []
if (options.store && rounds.size < ALL.length) complaints.push('nothing is stored: a baseline has the ratios of all peers')
else if (options.store) writeFileSync(BASELINE, `${JSON.stringify(heldOf(ratios), null, 2)}\n`)
for (const complaint of complaints) say(complaint)
if (complaints.length > 0) process.exitCode = 1
process.channel?.unref()
