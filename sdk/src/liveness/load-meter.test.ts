import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemClock } from '@carillon/wire/internal'
import { FakeClock } from '@carillon/wire/testing'
import { LoadMeter, type LoadSources } from './load-meter.ts'

const GIB = 1024 ** 3
const MIB = 1024 ** 2
const V2 = '31 23 0:28 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate'
const V1 = [
  '32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct',
  '33 31 0:30 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory',
  '34 31 0:31 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw',
].join('\n')
const STATUS = 'Name:\tnode\nCpus_allowed:\tff\nCpus_allowed_list:\t0-6,9\n'
/** What the kernel shows of version 1 where nothing is limited. */
const UNLIMITED_V1 = '9223372036854771712\n'

interface MachineFiles {
  readonly files: Record<string, string>
  /** The same files a second later. */
  readonly later: Record<string, string>
}

/** A second on a machine with 8 CPUs and 16 GiB, of which 12 are free, in which the process uses half a core. */
async function measured({ files, later }: MachineFiles) {
  const clock = new FakeClock()
  let isLater = false
  const sources: LoadSources = {
    read: (path) => (isLater ? { ...files, ...later } : files)[path],
    machine: () => ({ cpus: 8, memoryBytes: 16 * GIB, freeBytes: 12 * GIB }),
    cpuUsage: () => ({ user: isLater ? 600_000 : 200_000, system: isLater ? 200_000 : 100_000 }),
    rss: () => 70 * MIB,
  }
  const meter = new LoadMeter(clock, sources)
  isLater = true
  await clock.advance(1_000)
  const { cpu, memoryBytes, ...group } = meter.measure()
  assert.deepEqual([cpu, memoryBytes], [0.5, 70 * MIB])
  return group
}

const ofMachine = { groupMemoryBytes: 4 * GIB, memoryLimitBytes: 16 * GIB }

test('version 2, a container that sees its own group as the root: quota and memory limit are its own', async () => {
  const base = '/sys/fs/cgroup'
  const group = await measured({
    files: {
      '/proc/self/cgroup': '0::/\n',
      '/proc/self/mountinfo': V2,
      '/proc/self/status': STATUS,
      [`${base}/cpu.max`]: '150000 100000\n',
      [`${base}/cpu.stat`]: 'usage_usec 1000000\nuser_usec 1\nnr_periods 3\n',
      [`${base}/memory.max`]: `${512 * MIB}\n`,
    },
    later: {
      [`${base}/cpu.stat`]: 'usage_usec 1750000\nuser_usec 1\nnr_periods 3\n',
      [`${base}/memory.current`]: `${400 * MIB}\n`,
      [`${base}/memory.stat`]: `anon 1\nactive_file 7\ninactive_file ${150 * MIB}\n`,
    },
  })
  assert.deepEqual(group, { groupCpu: 0.5, cpuLimit: 1.5, groupMemoryBytes: 250 * MIB, memoryLimitBytes: 512 * MIB })
})

test('version 2, nested: the least limit up the tree holds, and what that group uses counts', async () => {
  const [pod, own] = ['/sys/fs/cgroup/kube/pod1', '/sys/fs/cgroup/kube/pod1/c1']
  const group = await measured({
    files: {
      '/proc/self/cgroup': '0::/kube/pod1/c1\n',
      '/proc/self/mountinfo': V2,
      [`${own}/cpu.max`]: 'max 100000\n',
      [`${pod}/cpu.max`]: '200000 100000\n',
      '/sys/fs/cgroup/kube/cpu.max': '600000 100000\n',
      [`${own}/cpu.stat`]: 'usage_usec 0\n',
      [`${pod}/cpu.stat`]: 'usage_usec 500000\n',
      [`${own}/memory.max`]: `${2 * GIB}\n`,
      [`${pod}/memory.max`]: `${GIB}\n`,
      [`${own}/memory.current`]: `${100 * MIB}\n`,
      [`${pod}/memory.current`]: `${900 * MIB}\n`,
    },
    later: { [`${own}/cpu.stat`]: 'usage_usec 100000\n', [`${pod}/cpu.stat`]: 'usage_usec 2300000\n' },
  })
  assert.deepEqual(group, { groupCpu: 0.9, cpuLimit: 2, groupMemoryBytes: 900 * MIB, memoryLimitBytes: GIB })
})

test('version 2, nothing limited: the CPUs of the affinity mask and the memory of the machine; a limit that is set later holds', async () => {
  const own = '/sys/fs/cgroup/user.slice'
  const files = {
    '/proc/self/cgroup': '0::/user.slice\n',
    '/proc/self/mountinfo': V2,
    '/proc/self/status': STATUS,
    [`${own}/cpu.max`]: 'max 100000\n',
    [`${own}/cpu.stat`]: 'usage_usec 0\n',
    [`${own}/memory.max`]: 'max\n',
  }
  const later = { [`${own}/cpu.stat`]: 'usage_usec 4000000\n' }
  assert.deepEqual(await measured({ files, later }), { groupCpu: 0.5, cpuLimit: 8, ...ofMachine })
  const limited = await measured({ files, later: { ...later, [`${own}/cpu.max`]: '400000 100000\n' } })
  assert.deepEqual(limited, { groupCpu: 1, cpuLimit: 4, ...ofMachine })
})

test('version 2, the root group has neither limits nor memory files: its use is that of the machine', async () => {
  const group = await measured({
    files: { '/proc/self/cgroup': '0::/\n', '/proc/self/mountinfo': V2, '/sys/fs/cgroup/cpu.stat': 'usage_usec 0\n' },
    later: { '/sys/fs/cgroup/cpu.stat': 'usage_usec 2000000\n' },
  })
  assert.deepEqual(group, { groupCpu: 0.25, cpuLimit: 8, ...ofMachine })
})

test('version 2, a group outside of the namespace', async () => {
  const group = await measured({
    files: { '/proc/self/cgroup': '0::/../../other\n', '/proc/self/mountinfo': V2, '/sys/fs/cgroup/memory.max': `${GIB}\n` },
    later: { '/sys/fs/cgroup/memory.current': `${MIB}\n` },
  })
  assert.deepEqual(group, { cpuLimit: 8, groupMemoryBytes: MIB, memoryLimitBytes: GIB })
})

test('version 1 beside version 2 without controllers', async () => {
  const [cpu, memory] = ['/sys/fs/cgroup/cpu,cpuacct/docker/abc', '/sys/fs/cgroup/memory/docker/abc']
  const group = await measured({
    files: {
      '/proc/self/cgroup': '11:memory:/docker/abc\n4:cpu,cpuacct:/docker/abc\n1:name=systemd:/docker/abc\n0::/\n',
      '/proc/self/mountinfo': V1,
      [`${cpu}/cpu.cfs_quota_us`]: '50000\n',
      [`${cpu}/cpu.cfs_period_us`]: '100000\n',
      '/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us': '-1\n',
      '/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us': '100000\n',
      [`${cpu}/cpuacct.usage`]: '1000000000\n',
      [`${memory}/memory.limit_in_bytes`]: `${256 * MIB}\n`,
      '/sys/fs/cgroup/memory/memory.limit_in_bytes': UNLIMITED_V1,
    },
    later: {
      [`${cpu}/cpuacct.usage`]: '1200000000\n',
      [`${memory}/memory.usage_in_bytes`]: `${200 * MIB}\n`,
      [`${memory}/memory.stat`]: `inactive_file 5\ntotal_inactive_file ${60 * MIB}\n`,
    },
  })
  assert.deepEqual(group, { groupCpu: 0.4, cpuLimit: 0.5, groupMemoryBytes: 140 * MIB, memoryLimitBytes: 256 * MIB })
})

test('version 1, a container that shows paths of its host: its own group is what is mounted', async () => {
  const group = await measured({
    files: {
      '/proc/self/cgroup': '11:memory:/docker/abc\n4:cpu,cpuacct:/docker/abc/inner\n',
      '/proc/self/mountinfo': [
        '32 31 0:29 /docker/abc /sys/fs/cgroup/cpu\\040and rw shared:1 master:2 - cgroup cgroup rw,cpu,cpuacct',
        '33 31 0:30 /docker/abc /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory',
      ].join('\n'),
      '/sys/fs/cgroup/cpu and/inner/cpuacct.usage': '0\n',
      '/sys/fs/cgroup/memory/memory.limit_in_bytes': `${GIB}\n`,
      '/sys/fs/cgroup/memory/memory.usage_in_bytes': `${300 * MIB}\n`,
    },
    later: { '/sys/fs/cgroup/cpu and/inner/cpuacct.usage': '800000000\n' },
  })
  assert.deepEqual(group, { groupCpu: 0.1, cpuLimit: 8, groupMemoryBytes: 300 * MIB, memoryLimitBytes: GIB })
})

test('no control groups: a system other than Linux, or files that are not what they should be', async () => {
  assert.deepEqual(await measured({ files: {}, later: {} }), { cpuLimit: 8, ...ofMachine })
  const garbage = {
    '/proc/self/cgroup': 'no\n::',
    '/proc/self/mountinfo': `${V2}\ngarbage - cgroup`,
    '/proc/self/status': 'Cpus_allowed_list: x',
  }
  assert.deepEqual(await measured({ files: garbage, later: {} }), { cpuLimit: 8, ...ofMachine })
})

test('the machine that this runs on has a load of sensible numbers', () => {
  const { cpuLimit = 0, groupMemoryBytes = 0, memoryLimitBytes = 0, memoryBytes, groupCpu = 0 } = new LoadMeter(systemClock).measure()
  assert.ok(cpuLimit > 0 && groupCpu >= 0)
  assert.ok(memoryBytes > 0 && groupMemoryBytes > 0 && groupMemoryBytes < memoryLimitBytes)
})
