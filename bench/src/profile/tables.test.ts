import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Profile, StringTable } from 'pprof-format'
import { placesOf } from './places.ts'
import { roleOf } from './processes.ts'
import { allocationTable, cpuTable, type Frame, goTable } from './tables.ts'

const options = { placeOf: ({ file, line }: Frame) => `${file}:${line}`, top: 2 }
const callFrame = (functionName: string, url = 'a.js', lineNumber = 0) => ({
  functionName,
  scriptId: '1',
  url,
  lineNumber,
  columnNumber: 0,
})

test('processor time is that of the samples of a function, whichever stacks it is on top of, and neither idling nor the profiler counts', () => {
  const nodes = [
    { id: 1, callFrame: callFrame('(root)', '') },
    { id: 2, callFrame: callFrame('(idle)', '') },
    { id: 3, callFrame: callFrame('write', 'a.js', 9) },
    { id: 4, callFrame: callFrame('', 'b.js') },
    { id: 5, callFrame: callFrame('write', 'a.js', 9) },
    { id: 6, callFrame: callFrame('(garbage collector)', '') },
    { id: 7, callFrame: callFrame('post', 'node:inspector') },
  ]
  const profile = {
    nodes,
    startTime: 0,
    endTime: 1,
    samples: [2, 3, 5, 4, 6, 6, 7],
    timeDeltas: [90_000, 2_000, 3_000, 4_000, 500, 500, 900],
  }
  assert.deepEqual(cpuTable(profile, options), {
    unit: 'ms',
    total: 10,
    rows: [
      { self: 5, percent: 50, function: 'write', at: 'a.js:10' },
      { self: 4, percent: 40, function: '(anonymous)', at: 'b.js:1' },
    ],
  })
  assert.deepEqual(cpuTable(profile, { ...options, top: 3 }).rows[2], { self: 1, percent: 10, function: '(garbage collector)', at: '' })
})

test('functions of one name in different places are different rows', () => {
  const nodes = [
    { id: 1, callFrame: callFrame('write', 'a.js', 1) },
    { id: 2, callFrame: callFrame('write', 'a.js', 2) },
  ]
  const table = cpuTable({ nodes, startTime: 0, endTime: 1, samples: [1, 2], timeDeltas: [1_000, 1_000] }, options)
  assert.deepEqual(
    table.rows.map(({ at, self }) => [at, self]),
    [
      ['a.js:2', 1],
      ['a.js:3', 1],
    ],
  )
})

test('a function of the engine has a row for each function that called it', () => {
  const nodes = [
    { id: 1, callFrame: callFrame('(root)', ''), children: [2, 3, 6] },
    { id: 2, callFrame: callFrame('insert', 'a.js', 4), children: [4] },
    { id: 3, callFrame: callFrame('update', 'b.js', 8), children: [5] },
    { id: 4, callFrame: callFrame('run', '') },
    { id: 5, callFrame: callFrame('run', '') },
    { id: 6, callFrame: callFrame('(program)', '') },
  ]
  const profile = { nodes, startTime: 0, endTime: 1, samples: [4, 5, 6], timeDeltas: [3_000, 2_000, 1_000] }
  assert.deepEqual(
    cpuTable(profile, { ...options, top: 3 }).rows.map(({ self, at }) => [self, at]),
    [
      [3, 'in a.js:5'],
      [2, 'in b.js:9'],
      [1, ''],
    ],
  )
})

test('allocations are the sizes of the nodes of a function, at every depth', () => {
  const leaf = { id: 3, callFrame: callFrame('parse'), selfSize: 1_024, children: [] }
  const inner = { id: 2, callFrame: callFrame('insert', 'b.js', 4), selfSize: 2_048, children: [leaf] }
  const head = { id: 1, callFrame: callFrame('(root)', ''), selfSize: 0, children: [inner, { ...leaf, id: 4, selfSize: 5_120 }] }
  assert.deepEqual(allocationTable({ head }, options), {
    unit: 'KiB',
    total: 8,
    rows: [
      { self: 6, percent: 75, function: 'parse', at: 'a.js:1' },
      { self: 2, percent: 25, function: 'insert', at: 'b.js:5' },
    ],
  })
})

/** Two samples in `Write`, one of them inlined, one in a function that has no line. */
function goProfile(): Profile {
  const stringTable = new StringTable()
  const [cpu, samples, count, nanoseconds, write, flush, file] = [
    'cpu',
    'samples',
    'count',
    'nanoseconds',
    'net.Write',
    'server.flush',
    '/home/builder/go/pkg/mod/github.com/nats-io/nats-server/v2@v2.12.0/server/client.go',
  ].map((text) => stringTable.dedup(text)) as [number, number, number, number, number, number, number]
  const profile = new Profile({
    stringTable,
    sampleType: [
      { type: samples, unit: count },
      { type: cpu, unit: nanoseconds },
    ],
    function: [
      { id: 1, name: write, filename: file, startLine: 40 },
      { id: 2, name: flush, filename: file, startLine: 90 },
    ],
    location: [
      { id: 1, line: [{ functionId: 1, line: 44 }] },
      {
        id: 2,
        line: [
          { functionId: 1, line: 45 },
          { functionId: 2, line: 91 },
        ],
      },
      { id: 3, line: [] },
    ],
    sample: [
      { locationId: [1, 2], value: [3, 30_000_000] },
      { locationId: [2], value: [1, 10_000_000] },
      { locationId: [3, 1], value: [1, 10_000_000] },
    ],
  })
  return Profile.decode(profile.encode())
}

test('a profile of Go is read by the innermost function of each sample, as it was encoded', () => {
  const table = goTable(goProfile(), 'cpu', { ...options, placeOf: placesOf() })
  assert.deepEqual(table, {
    unit: 'ms',
    total: 50,
    rows: [
      { self: 40, percent: 80, function: 'net.Write', at: 'github.com/nats-io/nats-server/v2@v2.12.0/server/client.go:40' },
      { self: 10, percent: 20, function: '(unknown)', at: '' },
    ],
  })
  assert.throws(() => goTable(goProfile(), 'alloc_space', options), /no value "alloc_space"; it has samples, cpu/)
})

test('a function of a built file is found in its source, one without a map where it is', () => {
  const placeOf = placesOf()
  const file = new URL('./tables.js', import.meta.url).href
  assert.match(placeOf({ name: 'x', file, line: 20, column: 1 }), /^bench\/src\/profile\/tables\.ts:\d+$/)
  assert.equal(placeOf({ name: 'x', file: 'node:events', line: 3, column: 1 }), 'node:events:3')
  assert.match(
    placeOf({ name: 'x', file: new URL('../../package.json', import.meta.url).href, line: 3, column: 1 }),
    /^bench\/package\.json:3$/,
  )
})

test('processes are known by the programs that they run', () => {
  assert.equal(roleOf(['/usr/bin/node', '/x/cli/bin/carillon.js', 'up']), 'mesh')
  assert.equal(roleOf(['/usr/bin/node', '--import=x', '/x/bench/dist/executor.js']), 'executor')
  assert.equal(roleOf(['/cache/nats-server', '-c', 'nats.conf']), 'nats-server')
  assert.equal(roleOf(['postgres: io worker 0']), 'database')
  assert.equal(roleOf(['/usr/bin/node', '/x/bench/dist/profile/main.js']), undefined)
})
