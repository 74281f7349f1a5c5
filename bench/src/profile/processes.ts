import { readdirSync, readFileSync } from 'node:fs'

/** Databases that a mesh may use on this machine, started by no process of the bench. */
const DATABASE = /^(mongod|ferretdb|postgres)/

/** Places of `statOf`. */
const [PARENT, CHILDREN_USER_TICKS, CHILDREN_SYSTEM_TICKS] = [1, 13, 14]
const US_PER_TICK = 10_000

/** What a process of the measurement is; undefined for what has no part in it. */
export function roleOf(commandLine: readonly string[]): string | undefined {
  const names = commandLine.slice(0, 4).map((word) => word.split('/').at(-1) ?? '')
  if (names[0]?.startsWith('nats-server')) return 'nats-server'
  if (names.includes('carillon.js')) return 'mesh'
  if (names.includes('executor.js')) return 'executor'
  if (DATABASE.test(names[0] ?? '')) return 'database'
  return undefined
}

/**
 * Processor time so far in µs of each kind of process: those that this one started, directly or not. This one is the client.
 * @param hasDatabase whether the databases of this machine are part of it, whichever process started them
 */
export function processorTimes({ hasDatabase }: { hasDatabase: boolean }): ReadonlyMap<string, number> {
  const times = new Map<string, number>([['client', processorUs(process.pid)]])
  const parents = new Map(allPids().map((pid) => [pid, parentOf(pid)]))
  for (const pid of parents.keys()) {
    if (pid === process.pid) continue
    const role = roleOf(commandLineOf(pid))
    if (role === undefined || !(role === 'database' ? hasDatabase : isBelow(pid, parents))) continue
    times.set(role, (times.get(role) ?? 0) + processorUs(pid))
  }
  return times
}

const allPids = () =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)

function isBelow(pid: number, parents: ReadonlyMap<number, number | undefined>): boolean {
  for (let parent = parents.get(pid); parent; parent = parents.get(parent)) if (parent === process.pid) return true
  return false
}

function parentOf(pid: number): number | undefined {
  const parent = statOf(pid)?.[PARENT]
  return parent === undefined ? undefined : Number(parent)
}

/** The fields of `stat` behind the name, which may have spaces. */
function statOf(pid: number): string[] | undefined {
  const stat = ifThere(() => readFileSync(`/proc/${pid}/stat`, 'utf8'))
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')
}

function commandLineOf(pid: number): string[] {
  return ifThere(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')) ?? []
}

/** Of all its threads that still run, and of its children that have ended. The scheduler counts in ns, where `stat` has ticks of 10 ms. */
function processorUs(pid: number): number {
  let ns = 0
  for (const thread of ifThere(() => readdirSync(`/proc/${pid}/task`)) ?? [])
    ns += Number(ifThere(() => readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8'))?.split(' ')[0] ?? 0)
  const stat = statOf(pid) ?? []
  return ns / 1_000 + (Number(stat[CHILDREN_USER_TICKS] ?? 0) + Number(stat[CHILDREN_SYSTEM_TICKS] ?? 0)) * US_PER_TICK
}

/** Undefined when the process has ended meanwhile. */
function ifThere<Result>(read: () => Result): Result | undefined {
  try {
    return read()
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined
    throw error
  }
}
