import type { TreeNode } from '@carillon/contracts'
import { layersOf } from './layers.ts'
import { stateText, stateTone } from './run-text.ts'
import { harmless, type Terminal, type Tone } from './terminal.ts'
import { sinceText, spanText, timeText, tookText } from './time-text.ts'

const SHOWN = 5

/** Nodes line by line: each layer comes after the layers before it. */
export function graphLines(terminal: Terminal, nodes: readonly TreeNode[], nowMs: number): string[] {
  const layers = layersOf(nodes)
  const longest = (texts: readonly string[]) => Math.max(0, ...texts.map(({ length }) => length))
  const width = {
    layer: String(layers.length).length,
    id: longest(nodes.map(({ id }) => id)),
    kind: longest(nodes.map(({ kind }) => kind)),
    state: longest(nodes.map(({ state }) => nodeStateText(state))),
  }
  const rows = layers.flatMap((layer, depth) =>
    layer.map((node, i) => {
      const number = i === 0 ? String(depth + 1) : ''
      const branch = layer.length === 1 ? '──' : i === 0 ? '┬─' : i === layer.length - 1 ? '└─' : '├─'
      const state = terminal.paint(nodeTone(node.state), nodeStateText(node.state).padEnd(width.state))
      const head = `${number.padStart(width.layer)} ${branch} ${node.id.padEnd(width.id)}  ${node.kind.padEnd(width.kind)}  ${state}`
      return { head, detail: detailOf(node, nowMs), after: node.after }
    }),
  )
  const widest = longest(rows.map(({ detail }) => detail))
  const headLetters = width.layer + width.id + width.kind + width.state + ' ──   '.length + 2
  const beforeOf = ({ after }: { after: readonly string[] }) => (after.length === 0 ? '' : `← ${namesText(after)}`)
  // Where people look, what does not fit beside a node is below it.
  const isNarrow = terminal.interactive && headLetters + widest + longest(rows.map(beforeOf)) + 4 > terminal.columns
  return rows.flatMap((row) => {
    const before = beforeOf(row) && terminal.paint('quiet', beforeOf(row))
    if (!isNarrow) return [`${row.head}  ${row.detail.padEnd(widest)}  ${before}`.trimEnd()]
    const below = [row.detail, before].filter((text) => text !== '').map((text) => `${' '.repeat(width.layer + 5)}${text}`)
    return [row.head.trimEnd(), ...below]
  })
}

/** The nodes that are under way, and what they wait for, in a few words; empty when none is. */
export function underWayText(nodes: readonly TreeNode[], nowMs: number): string {
  const underWay = nodes.filter(({ state }) => ['queued', 'running', 'delayed', 'cancelling'].includes(state))
  // Not how long ago it began to wait: then the line would change each second.
  const text = ({ id, awaits, startedAt }: TreeNode) => (awaits ? `${id} (${awaitsText(awaits)}${sinceText(startedAt, nowMs)})` : id)
  return namesText(underWay.map(text))
}

const nodeStateText = (state: TreeNode['state']) => (state === 'blocked' || state === 'compensated' ? state : stateText(state))
const nodeTone = (state: TreeNode['state']): Tone => (state === 'blocked' ? 'bad' : state === 'compensated' ? 'warning' : stateTone(state))

function detailOf(node: TreeNode, nowMs: number): string {
  const [own, undo] = [ownDetailOf(node, nowMs), undoText(node)]
  return own === '' || undo === '' ? own + undo : `${own}, ${undo}`
}

/** What has become of it since it was to be undone. */
function undoText({ compensation }: TreeNode): string {
  if (compensation?.state === undefined) return ''
  if (compensation.state === 'succeeded') return `undone by ${compensation.handler}`
  const isOpen = compensation.endedAt === undefined
  return `${compensation.handler}, which ${isOpen ? 'undoes' : 'was to undo'} it, ${isOpen ? 'is' : 'has'} ${stateText(compensation.state)}`
}

function ownDetailOf(
  { kind, state, waitsFor = [], took, awaits, decided, dueAt, startedAt, endedAt, attempt = 1, childRunId, items }: TreeNode,
  nowMs: number,
): string {
  const tries = `${attempt > 1 ? `, attempt ${attempt}` : ''}${items ? `, ${itemsText(items)}` : ''}${childRunId === undefined ? '' : `, run ${childRunId}`}`
  if (took && took.length > 0) return `→ ${namesText(took)}`
  if (state === 'waiting') return waitsFor.length === 0 ? '' : `waits for ${namesText(waitsFor)}`
  if (state === 'blocked') return waitsFor.length === 0 ? '' : `because of ${namesText(waitsFor)}`
  if (decided) return decidedText(decided)
  if (state === 'delayed' && awaits)
    return `waits for ${awaitsText(awaits)}${sinceText(startedAt, nowMs)}${dueAt === undefined ? '' : `, until ${timeText(dueAt, nowMs)}`}`
  if (state === 'delayed') return dueAt === undefined ? '' : `${kind === 'wait' ? 'ends' : 'next try'} ${timeText(dueAt, nowMs)}${tries}`
  if (startedAt === undefined) return ''
  const ms = Math.max(0, (endedAt === undefined ? nowMs : Date.parse(endedAt)) - Date.parse(startedAt))
  return endedAt === undefined ? `for ${spanText(ms)}${tries}` : `took ${tookText(ms)}${tries}`
}

/** `approved by ada: in time`; that a node is skipped says its state. */
function decidedText({ decision, by, note }: NonNullable<TreeNode['decided']>): string {
  const isApproval = decision === 'approved' || decision === 'rejected'
  const who = isApproval ? `${decision}${by === undefined ? '' : ` by ${by}`}` : `by request${by === undefined ? '' : ` of ${by}`}`
  return harmless(note === undefined ? who : `${who}: ${note.replaceAll(/\s+/g, ' ')}`)
}

/** `9,400 of 10,000 items, 2 failed`. */
function itemsText({ total, succeeded, failed }: NonNullable<TreeNode['items']>): string {
  const ended = (succeeded + failed).toLocaleString('en')
  return `${ended} of ${total.toLocaleString('en')} items${failed > 0 ? `, ${failed.toLocaleString('en')} failed` : ''}`
}

function awaitsText(awaits: NonNullable<TreeNode['awaits']>): string {
  if ('signal' in awaits) return `signal ${awaits.signal}`
  return awaits.approval.length === 0 ? 'approval' : `approval by ${namesText(awaits.approval)}`
}

const namesText = (names: readonly string[]) =>
  names.length > SHOWN ? `${names.slice(0, SHOWN).join(', ')} and ${names.length - SHOWN} more` : names.join(', ')
