import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectBroker, createLogger } from '@carillon/runtime'
import { pause } from '../../clock.ts'
import { findNatsServer } from '../nats-server/find-nats-server.ts'
import { startNatsServer } from '../nats-server/nats-server-process.ts'
import { Stack } from '../up/stack.ts'
import type { Case } from './case.ts'
import { CASES, HANDLERS } from './cases.ts'
import { Driver } from './driver.ts'
import { type ExecutorProcess, startExecutorProcess } from './executor-process.ts'
import { Play } from './play.ts'

/** One that never pulls fails case by case. */
const PULLS_WITHIN_MS = 5_000

export interface ConformanceOptions {
  /** The service that the executor names when it registers. */
  readonly executor: string
  /** Starts it; without it the user does. */
  readonly command: readonly string[]
  readonly namespace: string
  /** Of the broker; 0 picks a free one. */
  readonly port: number
  /** How long the executor may take to register, in ms. */
  readonly waitMs: number
  readonly say: (line: string) => void
}

export interface Outcome {
  readonly case: string
  readonly about: string
  readonly outcome: 'passed' | 'failed' | 'skipped'
  /** Why it failed or was skipped. */
  readonly why?: string
}

/** Plays every case against an executor, on a broker of its own. Nothing is left running. */
export async function runConformance(options: ConformanceOptions, onOutcome: (outcome: Outcome) => void): Promise<readonly Outcome[]> {
  const started = new Stack()
  try {
    return await playAll(options, { started, onOutcome })
  } finally {
    await started.stop((name, error) => options.say(`${name} did not stop in order: ${String(error)}`))
  }
}

async function playAll(options: ConformanceOptions, { started, onOutcome }: { started: Stack; onOutcome: (outcome: Outcome) => void }) {
  const { namespace, executor: service, say } = options
  const url = await startBroker(options, started)
  const broker = await connectBroker({
    nats: { servers: url },
    name: 'carillon-conformance',
    log: createLogger({ name: 'conformance', level: 'silent' }),
  })
  started.add('the connection', () => broker.close())
  const driver = new Driver({ broker, namespace, service })
  driver.start()
  await driver.queue.make(HANDLERS)
  const early = CASES.filter(({ when }) => when === 'early').map((given) => new Play(driver, given))
  for (const play of early) await play.prepare()
  driver.queue.giveBack()
  const child = await startExecutor(options, { url, started, driver })
  const outcomes: Outcome[] = []
  const note = (outcome: Outcome) => {
    outcomes.push(outcome)
    onOutcome(outcome)
  }
  if (await isRegistered(driver, options.waitMs, child)) await playOn(driver, { early, note, hasProcess: child !== undefined })
  else note({ case: 'registration', about: 'The executor registers', outcome: 'failed', why: notRegistered(driver, options, child) })
  for (const why of driver.observed.malformed)
    note({ case: 'messages', about: 'Every message is one of the protocol', outcome: 'failed', why })
  if (outcomes.some(({ outcome }) => outcome === 'failed')) for (const line of child?.lines ?? []) say(`executor: ${line}`)
  return outcomes
}

async function startBroker({ port, say }: ConformanceOptions, started: Stack): Promise<string> {
  const binary = await findNatsServer({ say, signal: new AbortController().signal })
  const dataDir = mkdtempSync(join(tmpdir(), 'carillon-conformance-'))
  started.add('the folder of the broker', () => rmSync(dataDir, { recursive: true, force: true }))
  const server = await startNatsServer({ binary, port, dataDir, say })
  started.add('nats-server', () => server.stop())
  return server.url
}

async function startExecutor(
  { command, namespace, executor, say }: ConformanceOptions,
  { url, started, driver }: { url: string; started: Stack; driver: Driver },
): Promise<ExecutorProcess | undefined> {
  if (command.length === 0) {
    say(`Start the executor now, with CARILLON_NATS_URL=${url} and CARILLON_NAMESPACE=${namespace}, as service ${executor}.`)
    return undefined
  }
  const child = await startExecutorProcess(command, { url, namespace })
  started.add('the executor', () => child.kill())
  child.exited.then((code) => driver.observed.add({ kind: 'exit', body: { code }, about: undefined })).catch(() => undefined)
  return child
}

/** The first registration is refused for a while, the second one counts. */
async function isRegistered(driver: Driver, waitMs: number, child: ExecutorProcess | undefined): Promise<boolean> {
  const over = new AbortController()
  const late = pause(waitMs, over.signal)
  const ended = child?.exited.then(() => true) ?? new Promise<never>(() => undefined)
  try {
    for (;;) {
      if (driver.registration) return true
      if ((await Promise.race([late, ended, driver.observed.next()])) === true) return false
      // The first one is recorded before it is answered: from the next one on they are accepted.
      if (driver.observed.all.some(({ kind }) => kind === 'instances.register')) driver.open()
    }
  } finally {
    over.abort()
  }
}

function notRegistered(driver: Driver, { executor, waitMs }: ConformanceOptions, child: ExecutorProcess | undefined): string {
  const seconds = `${waitMs / 1_000} s`
  const tries = driver.observed.all.filter(({ kind }) => kind === 'instances.register').length
  if (tries > 0) return `it registered once, was refused with "retry": true, and did not register again within ${seconds}`
  const last = child?.lines.at(-1)
  return `no executor registered as service ${executor} within ${seconds}${last ? `; its last line: ${last}` : ''}`
}

async function playOn(
  driver: Driver,
  { early, note, hasProcess }: { early: readonly Play[]; note: (outcome: Outcome) => void; hasProcess: boolean },
): Promise<void> {
  await Promise.race([driver.pulls, pause(PULLS_WITHIN_MS)])
  const play = async (one: Play) => note(await outcomeOf(one, driver, hasProcess))
  const together = CASES.filter(({ when = 'together' }) => when === 'together').map((given) => new Play(driver, given))
  await Promise.all([...early, ...together].map(play))
  for (const given of CASES) if (given.when === 'alone') await play(new Play(driver, given))
}

async function outcomeOf(play: Play, driver: Driver, hasProcess: boolean): Promise<Outcome> {
  const { case: name, about, needs, optional } = play.case
  const base = { case: name, about }
  if (needs !== undefined && !driver.offered.includes(needs)) {
    const why = `the executor does not offer ${needs}`
    return { ...base, outcome: optional ? 'skipped' : 'failed', why }
  }
  const missing = whyNotPlayed(play.case, driver, hasProcess)
  if (missing !== undefined) return { ...base, outcome: 'skipped', why: missing }
  const why = await play.end()
  return why === undefined ? { ...base, outcome: 'passed' } : { ...base, outcome: 'failed', why }
}

function whyNotPlayed({ steps }: Case, driver: Driver, hasProcess: boolean): string | undefined {
  const uses = (what: string) => steps.some((step) => ('send' in step && step.send === what) || ('expect' in step && step.expect === what))
  if (uses('assignment') && driver.registration?.assignments === undefined) return 'the executor takes no assignments'
  if (uses('session') && driver.registration?.session === undefined) return 'the executor has no session'
  return uses('exit') && !hasProcess ? 'its process was not started from here' : undefined
}
