import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '@carillon/wire/testing'
import type { Allowed } from '../books.ts'
import { type Interruption, kill, scenarioOf, stop } from '../interruption.ts'
import { INSTANCE_LOST, type Scenario } from '../scenario.ts'
import { firesSlotsOfNow } from '../slots.ts'
import type { Condition } from '../tcp-proxy.ts'
import type { World } from '../world.ts'

/** Longer than the silence after which an instance is lost. */
const LONGER_THAN_A_LEASE = [13_000, 18_000] as const
/** Long enough for what was lost to be delivered again and to end: a task whose instance is lost three times in a row is poison. */
const BEYOND_A_REDELIVERY = [14_000, 18_000] as const
/** A `started` report is sent 200 ms after the body began; on a busy machine it is stored some time after that. */
const UNREPORTED_MS = 1_000
/** Of two processes that a busy machine continues one after another. */
const WAKES_WITHIN_MS = 1_000
const REPORTS_LOST = 'the broker lost the reports of the attempt'

/** Whose process was killed. A task that had been released before it began, and is claimed again, goes on in the same attempt: `queued` is still what is stored. */
export const PROCESS_KILLED: Allowed = {
  runTwice: INSTANCE_LOST,
  inOneAttempt: { reason: 'the process died before it reported that the body had begun', diedWithinMs: UNREPORTED_MS },
}

const EXECUTORS = { processes: 5, each: 100 }

const put = (condition: Condition) => async (world: World) => {
  world.proxy.set(condition)
  return () => world.proxy.set('open')
}

/** No start may be confirmed that is not stored. */
async function refusesStarts({ load }: World): Promise<readonly string[]> {
  const before = load.refused.length
  const isRefused = await eventually('a start is refused', () => load.refused.length > before).catch(() => false)
  return isRefused ? [] : ['starts-taken-on-a-full-disk']
}

async function allAreBack({ client }: World): Promise<readonly string[]> {
  const present = async () => {
    let count = 0
    for await (const _ of client.instances.list({ limit: 1_000 })) count++
    return count
  }
  const all = EXECUTORS.processes * EXECUTORS.each
  const areBack = await eventually('all executors are back', async () => (await present()) === all, { everyMs: 250 }).catch(() => false)
  return areBack ? [] : [`executors-back=${await present()}-of-${all}`]
}

/** Processes are killed and started again, stopped and continued; the network and the disk fail and recover. */
const INTERRUPTIONS: readonly Interruption[] = [
  {
    name: 'executor-kill',
    about: 'kill -9 of one of three executors, which is started again, now and then',
    guard: 'take-over',
    allows: PROCESS_KILLED,
    rounds: { short: 1, full: 12 },
    interrupt: (world) => kill(world.random.pick(world.executors)),
    awayMs: [[0, 2_000]],
    restMs: BEYOND_A_REDELIVERY,
  },
  {
    name: 'executor-stop',
    about: 'SIGSTOP of one of three executors for longer than its lease, and SIGCONT while its heirs are at work',
    guard: 'fence',
    allows: { runTwice: INSTANCE_LOST },
    world: { bodyMs: [5_000, 8_000] },
    rounds: { short: 1, full: 8 },
    interrupt: (world) => stop(world.random.pick(world.executors)),
    awayMs: [LONGER_THAN_A_LEASE],
    restMs: BEYOND_A_REDELIVERY,
  },
  {
    name: 'coordinator-kill',
    about: 'kill -9 of one of two coordinators, which is started again, now and then',
    guard: 'commit',
    allows: {},
    rounds: { short: 2, full: 40 },
    interrupt: (world) => kill(world.random.pick(world.coordinators)),
    awayMs: [[0, 7_000]],
    restMs: [200, 2_000],
  },
  {
    name: 'coordinator-stop',
    about: 'SIGSTOP of each of two coordinators in turn, and SIGCONT when the other one has long fired the slots of both',
    guard: 'membership',
    allows: {},
    // Each at least once: one of them is responsible for the schedule.
    rounds: { short: 2, full: 10 },
    interrupt: (world, round) => stop(world.coordinators[round % world.coordinators.length]!),
    meanwhile: firesSlotsOfNow,
    awayMs: [[6_000, 15_000]],
    restMs: [500, 3_000],
  },
  {
    name: 'broker-kill',
    about: 'kill -9 of nats-server in the middle of a burst, started again at once',
    guard: 'memory',
    allows: {},
    rounds: { short: 1, full: 15 },
    interrupt: (world) => kill(world.broker),
    awayMs: [[0, 0]],
    restMs: [2_000, 5_000],
  },
  {
    name: 'broker-away',
    about: 'nats-server is away for 8 to 12 s: what has ended meanwhile is reported, not done again',
    guard: 'resend',
    allows: {},
    rounds: { short: 1, full: 6 },
    interrupt: (world) => kill(world.broker),
    awayMs: [[8_000, 12_000]],
    restMs: [3_000, 6_000],
  },
  {
    name: 'broker-wipe',
    about: 'kill -9 of nats-server, which comes back with nothing of what it held',
    guard: 'repair',
    // Reports that were not applied yet are wiped with the rest.
    allows: { runTwice: REPORTS_LOST, inOneAttempt: { reason: REPORTS_LOST } },
    rounds: { short: 1, full: 5 },
    async interrupt({ broker }) {
      const start = await kill(broker)
      broker.wipe()
      return start
    },
    awayMs: [[0, 0]],
    restMs: [12_000, 18_000],
  },
  {
    name: 'everything-kill',
    about: 'kill -9 of every process at once, started again in any order',
    guard: 'commit',
    allows: PROCESS_KILLED,
    rounds: { short: 1, full: 10 },
    async interrupt({ broker, members, random }) {
      const startBroker = await kill(broker)
      const startMembers = await kill(...random.shuffle(members))
      return async () => {
        await startBroker()
        await startMembers()
      }
    },
    awayMs: [[0, 0]],
    restMs: BEYOND_A_REDELIVERY,
  },
  {
    name: 'everything-sleeps',
    about: 'SIGSTOP of every process for 30 s and more, and SIGCONT of one after another, the broker first: a laptop that sleeps',
    guard: 'living-owner',
    allows: {},
    world: { bodyMs: [4_000, 9_000] },
    rounds: { short: 1, full: 3 },
    async interrupt({ broker, members, random }) {
      const wakeBroker = await stop(broker)
      const wakeMembers = await Promise.all(random.shuffle([...members]).map((member) => stop(member)))
      return async () => {
        wakeBroker()
        for (const wake of wakeMembers) {
          await sleep(random.between(0, WAKES_WITHIN_MS))
          wake()
        }
      }
    },
    awayMs: [[30_000, 45_000]],
    restMs: [3_000, 8_000],
  },
  {
    name: 'network-cut',
    about: 'executors are cut off from the broker for 2 to 18 s: connections are reset, and refused',
    guard: 'resend',
    allows: { runTwice: INSTANCE_LOST },
    rounds: { short: 1, full: 8 },
    interrupt: put('cut'),
    awayMs: [[2_000, 9_000], LONGER_THAN_A_LEASE],
    restMs: BEYOND_A_REDELIVERY,
  },
  {
    name: 'network-half-open',
    about: 'the connections of executors stay, and nothing passes for 2 to 18 s',
    guard: 'fence',
    allows: { runTwice: INSTANCE_LOST },
    rounds: { short: 1, full: 8 },
    interrupt: put('half-open'),
    awayMs: [LONGER_THAN_A_LEASE, [2_000, 9_000]],
    restMs: BEYOND_A_REDELIVERY,
  },
  {
    name: 'network-slow',
    about: 'what executors send and get is 1 s late: none of them is taken for lost',
    guard: 'patience',
    allows: {},
    rounds: { short: 1, full: 8 },
    interrupt: put('slow'),
    awayMs: [[2_000, 20_000]],
    restMs: [2_000, 5_000],
  },
  {
    name: 'store-kill',
    about: 'kill -9 of the MongoDB engine, which is started again after some seconds',
    guard: 'commit',
    allows: {},
    needs: 'engine',
    rounds: { short: 1, full: 6 },
    interrupt: (world) => kill(world.engine),
    awayMs: [[0, 5_000]],
    restMs: [3_000, 6_000],
  },
  {
    name: 'reconnect-storm',
    about: 'nats-server is away under 500 executors, which all come back at once: none of them is taken for lost',
    guard: 'heard-time',
    allows: {},
    // Bodies last longer than the broker is away: that of an instance regarded as lost would begin again elsewhere.
    world: { executors: EXECUTORS.processes, perProcess: EXECUTORS.each, concurrency: 1, bodyMs: [25_000, 30_000] },
    rounds: { short: 1, full: 5 },
    interrupt: (world) => kill(world.broker),
    awayMs: [LONGER_THAN_A_LEASE, [0, 1_000]],
    afterwards: allAreBack,
    restMs: [2_000, 5_000],
  },
  {
    name: 'disk-full',
    about:
      'the disk of broker and store is filled to the last byte; when there is room again the broker is started again, as `carillon up` does',
    guard: 'commit',
    // Neither acknowledgements nor reports are stored in that time: what has ended is redelivered, as a further attempt.
    allows: {
      refused: { code: 'STORE_FULL', reason: 'the disk was full' },
      runTwice: 'the broker could not store the report of the attempt',
    },
    needs: 'small-disk',
    rounds: { short: 1, full: 4 },
    async interrupt({ disk, broker }) {
      disk.fill(0)
      return async () => {
        disk.fill(undefined)
        await (await kill(broker))()
      }
    },
    meanwhile: refusesStarts,
    awayMs: [[3_000, 12_000]],
    restMs: [4_000, 8_000],
  },
]

export const INTERRUPTION_SCENARIOS: readonly Scenario[] = INTERRUPTIONS.map(scenarioOf)
