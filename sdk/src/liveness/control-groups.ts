import { posix } from 'node:path'

/** Answers undefined for a file that is missing or cannot be read. */
export type ReadText = (path: string) => string | undefined

/** What limits a process. Absent where nothing is known of it. */
export interface Group {
  /** CPU time that the group has used so far, in ms. */
  readonly cpuMs?: number
  /** The CPUs that it may use at most; a fraction where a quota says so. */
  readonly cpuLimit: number
  /** Without the file cache that the kernel would give up for more. */
  readonly memoryBytes: number
  readonly memoryLimitBytes: number
}

/** What holds where no group says less. */
export interface Machine {
  readonly cpus: number
  readonly memoryBytes: number
  readonly freeBytes: number
}

/** Folders of the groups of a process, its own one first, then those around it. */
interface Folders {
  readonly version: 1 | 2
  readonly cpu: readonly string[]
  readonly quota: readonly string[]
  readonly memory: readonly string[]
}

interface Mount {
  /** `''`: of version 2, which has all controllers. */
  readonly controllers: readonly string[]
  /** The group that is seen at the mount point. */
  readonly root: string
  readonly point: string
}

const MICROSECONDS_PER_MS = 1_000
const NANOSECONDS_PER_MS = 1_000_000

/** The control groups of this process (Linux, versions 1 and 2), as far as its files show them. */
export class ControlGroups {
  readonly #read: ReadText
  readonly #folders: Folders
  readonly #allowedCpus: number | undefined

  /** Where the groups are is read once; their limits may change at any time. */
  constructor(read: ReadText) {
    this.#read = read
    this.#folders = foldersOf(read('/proc/self/cgroup') ?? '', read('/proc/self/mountinfo') ?? '')
    this.#allowedCpus = cpusIn(/^Cpus_allowed_list:\s*(\S+)/m.exec(read('/proc/self/status') ?? '')?.[1] ?? '')
  }

  measure(machine: Machine): Group {
    const cpus = this.#allowedCpus ?? machine.cpus
    const quota = least(this.#folders.quota, (folder) => this.#quotaOf(folder))
    const isQuota = quota !== undefined && quota.value < cpus
    // What a quota of a group around this one limits is the use of that group.
    const cpuMs = this.#firstUse(isQuota ? quota.index : 0)
    const memory = least(this.#folders.memory, (folder) => this.#memoryLimitOf(folder))
    const isLimited = memory !== undefined && memory.value < machine.memoryBytes
    const used = isLimited ? this.#memoryOf(this.#folders.memory[memory.index] ?? '') : undefined
    return {
      ...(cpuMs === undefined ? {} : { cpuMs }),
      cpuLimit: isQuota ? quota.value : cpus,
      ...(used === undefined
        ? { memoryBytes: machine.memoryBytes - machine.freeBytes, memoryLimitBytes: machine.memoryBytes }
        : { memoryBytes: used, memoryLimitBytes: memory?.value ?? machine.memoryBytes }),
    }
  }

  #firstUse(from: number): number | undefined {
    for (const folder of this.#folders.cpu.slice(from)) {
      const used = this.#cpuMsOf(folder)
      if (used !== undefined) return used
    }
    return undefined
  }

  #cpuMsOf(folder: string): number | undefined {
    if (this.#folders.version === 2) return scaled(fieldOf(this.#read(`${folder}/cpu.stat`), 'usage_usec'), MICROSECONDS_PER_MS)
    return scaled(numberOf(this.#read(`${folder}/cpuacct.usage`)), NANOSECONDS_PER_MS)
  }

  #quotaOf(folder: string): number | undefined {
    if (this.#folders.version === 2) {
      const [quota, period] = (this.#read(`${folder}/cpu.max`) ?? '').split(/\s+/)
      return ratio(numberOf(quota), numberOf(period))
    }
    return ratio(numberOf(this.#read(`${folder}/cpu.cfs_quota_us`)), numberOf(this.#read(`${folder}/cpu.cfs_period_us`)))
  }

  #memoryLimitOf(folder: string): number | undefined {
    return numberOf(this.#read(`${folder}/${this.#folders.version === 2 ? 'memory.max' : 'memory.limit_in_bytes'}`))
  }

  #memoryOf(folder: string): number | undefined {
    const [usage, cache] =
      this.#folders.version === 2 ? ['memory.current', 'inactive_file'] : ['memory.usage_in_bytes', 'total_inactive_file']
    const used = numberOf(this.#read(`${folder}/${usage}`))
    return used === undefined ? undefined : Math.max(0, used - (fieldOf(this.#read(`${folder}/memory.stat`), cache) ?? 0))
  }
}

/** Version 1 where it has the controllers: then version 2 may be mounted beside it, without any. */
function foldersOf(groups: string, mountInfo: string): Folders {
  const mounts = mountsOf(mountInfo)
  const paths = new Map<string, string>()
  for (const line of groups.split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(.+)$/.exec(line) ?? []
    if (path !== undefined) for (const controller of (controllers ?? '').split(',')) paths.set(controller, path)
  }
  const isFirst = mounts.some(({ controllers }) => controllers.includes('cpuacct') || controllers.includes('memory'))
  const of = (controller: string) => {
    const key = isFirst ? controller : ''
    const mount = mounts.find(({ controllers }) => controllers.includes(key))
    const path = paths.get(key)
    return mount && path !== undefined ? upTheTree(mount, path) : []
  }
  return { version: isFirst ? 1 : 2, cpu: of('cpuacct'), quota: of('cpu'), memory: of('memory') }
}

function mountsOf(mountInfo: string): Mount[] {
  return mountInfo.split('\n').flatMap((line) => {
    const [place = '', type = ''] = line.split(' - ')
    const [, , , root = '/', point = ''] = place.split(' ').map(unescaped)
    const [kind, , options = ''] = type.split(' ')
    if (kind === 'cgroup2') return [{ controllers: [''], root, point }]
    return kind === 'cgroup' ? [{ controllers: options.split(','), root, point }] : []
  })
}

const unescaped = (text: string) => text.replace(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))

/** A path outside of what is mounted is that of a container which sees its own group at the mount point. */
function upTheTree({ root, point }: Mount, path: string): string[] {
  const below = root === '/' ? path : path === root || path.startsWith(`${root}/`) ? path.slice(root.length) : '/'
  const folders: string[] = []
  // Of a group outside of this namespace the kernel shows `/../…`.
  for (let at = posix.normalize(`/${below.includes('..') ? '' : below}`); ; at = posix.dirname(at)) {
    folders.push(at === '/' ? point : posix.join(point, at))
    if (at === '/') return folders
  }
}

/** The least of the known limits, and whose it is. */
function least(folders: readonly string[], limitOf: (folder: string) => number | undefined): { value: number; index: number } | undefined {
  let found: { value: number; index: number } | undefined
  for (const [index, folder] of folders.entries()) {
    const value = limitOf(folder)
    if (value !== undefined && (found === undefined || value < found.value)) found = { value, index }
  }
  return found
}

/** `0-3,8` has five. */
function cpusIn(list: string): number | undefined {
  let cpus = 0
  for (const [, first, last] of list.matchAll(/(\d+)(?:-(\d+))?/g)) cpus += Number(last ?? first) - Number(first) + 1
  return cpus > 0 ? cpus : undefined
}

/** Undefined for `max`, `-1` and what is no number: no limit. */
function numberOf(text: string | undefined): number | undefined {
  const trimmed = text?.trim() ?? ''
  return /^\d+$/.test(trimmed) ? Number(trimmed) : undefined
}

const fieldOf = (text: string | undefined, name: string) => numberOf(new RegExp(`^${name} (\\d+)$`, 'm').exec(text ?? '')?.[1])
const scaled = (value: number | undefined, by: number) => (value === undefined ? undefined : value / by)
const ratio = (quota: number | undefined, period: number | undefined) => (quota && period ? quota / period : undefined)
