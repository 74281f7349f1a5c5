import type { HeapProfiler, Profiler } from 'node:inspector'
import type { Profile } from 'pprof-format'

/** A function and what it took by itself, without what it called. */
export interface SelfRow {
  /** In the unit of the table. */
  readonly self: number
  readonly percent: number
  readonly function: string
  /** `file:line` of the function; `in file:line` of its caller where it is one of the engine, such as a statement of SQLite; empty without one. */
  readonly at: string
}

export interface SelfTable {
  readonly unit: 'ms' | 'KiB'
  /** Of all functions. */
  readonly total: number
  readonly rows: readonly SelfRow[]
}

/** A function of a program; lines and columns begin at 1. */
export interface Frame {
  readonly name: string
  readonly file: string
  readonly line: number
  readonly column: number
}

/** Where a function is, for people. */
export type PlaceOf = (frame: Frame) => string

interface Measured {
  readonly frame: Frame
  /** The nearest function that called it and has a file. */
  readonly caller: Frame | undefined
  readonly value: number
}

/** Its rows are those with the highest values. */
interface TableOptions {
  readonly placeOf: PlaceOf
  /** Rows of the table. */
  readonly top: number
}

const US_PER_MS = 1_000
const NS_PER_MS = 1_000_000
const BYTES_PER_KIB = 1_024

/** Time that a thread waits, and what beginning and ending the profile takes. */
const isNoWork = ({ functionName, url }: Profiler.ProfileNode['callFrame']) => functionName === '(idle)' || url === 'node:inspector'

/** The processor time of a JavaScript thread in ms, by function. */
export function cpuTable({ nodes, samples = [], timeDeltas = [] }: Profiler.Profile, options: TableOptions): SelfTable {
  const us = new Map<number, number>()
  for (const [i, id] of samples.entries()) us.set(id, (us.get(id) ?? 0) + Math.max(0, timeDeltas[i] ?? 0))
  const callers = callersOf(nodes)
  const busy = nodes.filter(({ callFrame }) => !isNoWork(callFrame))
  return tableOf(
    'ms',
    busy.map(({ id, callFrame }) => ({ frame: frameOf(callFrame), caller: callers.get(id), value: (us.get(id) ?? 0) / US_PER_MS })),
    options,
  )
}

function callersOf(nodes: readonly Profiler.ProfileNode[]): ReadonlyMap<number, Frame> {
  const callers = new Map<number, Frame>()
  // A node is listed after the one that it is a child of.
  for (const { id, callFrame, children = [] } of nodes) {
    const caller = callFrame.url ? frameOf(callFrame) : callers.get(id)
    if (caller) for (const child of children) callers.set(child, caller)
  }
  return callers
}

/** What a JavaScript thread allocated in KiB, by function, whether it was collected since or not. */
export function allocationTable({ head }: HeapProfiler.SamplingHeapProfile, options: TableOptions): SelfTable {
  const measured: Measured[] = []
  // Stacks are deep: a list instead of recursion.
  const open: { node: HeapProfiler.SamplingHeapProfileNode; caller: Frame | undefined }[] = [{ node: head, caller: undefined }]
  for (let next = open.pop(); next; next = open.pop()) {
    const { node, caller } = next
    const frame = frameOf(node.callFrame)
    measured.push({ frame, caller, value: node.selfSize / BYTES_PER_KIB })
    for (const child of node.children) open.push({ node: child, caller: frame.file ? frame : caller })
  }
  return tableOf('KiB', measured, options)
}

/**
 * One of the values of a profile of Go, by function: `cpu` in ms, `alloc_space` in KiB.
 * @throws when the profile has no such value
 */
export function goTable(profile: Profile, type: 'cpu' | 'alloc_space', options: TableOptions): SelfTable {
  const text = (index: number | bigint) => profile.stringTable.strings[Number(index)] ?? ''
  const column = profile.sampleType.findIndex((value) => text(value.type) === type)
  if (column < 0)
    throw new Error(`the profile has no value "${type}"; it has ${profile.sampleType.map((value) => text(value.type)).join(', ')}`)
  const functions = new Map(profile.function.map((of) => [Number(of.id), of]))
  const frames = new Map<number, Frame>()
  for (const { id, line } of profile.location) {
    // The first is the innermost of those that were inlined.
    const [leaf] = line
    const found = leaf && functions.get(Number(leaf.functionId))
    const frame = found && { name: text(found.name), file: text(found.filename), line: Number(found.startLine || leaf.line), column: 1 }
    frames.set(Number(id), frame ?? { name: '(unknown)', file: '', line: 0, column: 0 })
  }
  const unit = type === 'cpu' ? NS_PER_MS : BYTES_PER_KIB
  return tableOf(
    type === 'cpu' ? 'ms' : 'KiB',
    profile.sample.flatMap(({ locationId, value }) => {
      const frame = frames.get(Number(locationId[0]))
      return frame ? [{ frame, caller: undefined, value: Number(value[column] ?? 0) / unit }] : []
    }),
    options,
  )
}

const frameOf = ({ functionName, url, lineNumber, columnNumber }: Profiler.ProfileNode['callFrame']): Frame => ({
  name: functionName || '(anonymous)',
  file: url,
  line: lineNumber + 1,
  column: columnNumber + 1,
})

/** One row for each function, however many stacks it is the top of; for one of the engine, a row for each caller. */
function tableOf(unit: SelfTable['unit'], measured: readonly Measured[], { placeOf, top }: TableOptions): SelfTable {
  const sums = new Map<string, Measured>()
  let total = 0
  for (const { frame, caller, value } of measured) {
    total += value
    const place = frame.file ? frame : caller
    const key = `${frame.name}\n${place?.file}\n${place?.line}\n${place?.column}`
    sums.set(key, { frame, caller, value: (sums.get(key)?.value ?? 0) + value })
  }
  const highest = [...sums.values()].filter(({ value }) => value > 0).sort((a, b) => b.value - a.value)
  const rows = highest.slice(0, top).map(({ frame, caller, value }) => ({
    self: tenths(value),
    percent: tenths((value / total) * 100),
    function: frame.name,
    at: frame.file ? placeOf(frame) : caller ? `in ${placeOf(caller)}` : '',
  }))
  return { unit, total: tenths(total), rows }
}

const tenths = (value: number) => Math.round(value * 10) / 10
