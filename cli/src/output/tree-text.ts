import { isEnded, NODE_STATES, type RunTree, type TaskView } from '@carillon/contracts'
import { graphLines, underWayText } from './graph-text.ts'
import { stateTone } from './run-text.ts'
import { harmless, type Terminal } from './terminal.ts'
import { spanText, tookText } from './time-text.ts'

const BAR_LETTERS = 24

/** `62 %`, as a bar too where a person looks. */
export function progressText(terminal: Terminal, percent: number): string {
  // A bar is worth less than the words beside it.
  const letters = Math.min(BAR_LETTERS, Math.floor(terminal.columns * 0.3))
  const done = Math.round((percent / 100) * letters)
  const bar = `${'█'.repeat(done)}${'░'.repeat(letters - done)}`
  return `${terminal.interactive ? `${bar} ` : ''}${percent.toLocaleString('en')} %`
}

/** How the whole is, in one line. */
export function treeLine(terminal: Terminal, tree: RunTree, nowMs: number): string {
  const left = tree.leftMs === undefined ? '' : ` · about ${spanText(tree.leftMs)} left`
  const isOne = tree.stages.length === 1
  const counts = tree.stages.map(({ name, counts }) => `${isOne ? '' : `${name} `}${countsText(counts)}`).join('; ')
  const now = tree.nodes ? underWayText(tree.nodes, nowMs) : ''
  // That it runs goes without saying.
  const state = tree.state === 'running' || isEnded(tree.state) ? '' : `${tree.state.replace('_', ' ')} · `
  return `${state}${progressText(terminal, tree.percent)} · ${counts}${now && ` · now: ${now}`}${left}`
}

/** `6,200 succeeded, 40 failed`. */
function countsText(counts: RunTree['stages'][number]['counts']): string {
  const parts = NODE_STATES.filter((state) => (counts[state] ?? 0) > 0)
  return parts.map((state) => `${counts[state]?.toLocaleString('en')} ${state.replace('_', ' ')}`).join(', ') || 'no tasks yet'
}

/** Stages, failed and slow tasks, line by line. */
export function treeLines(terminal: Terminal, tree: RunTree, nowMs: number): string[] {
  const state = terminal.paint(stateTone(tree.state), tree.state.replace('_', ' '))
  const left = tree.leftMs === undefined ? '' : `, about ${spanText(tree.leftMs)} left`
  const head = `${tree.runId} ${tree.job ?? tree.handler}: ${state}, ${progressText(terminal, tree.percent)}${left}`
  const failed = tree.failed.map((task) => `   ${terminal.paint('bad', 'failed ')}  ${taskText(tree, task)} ${whyText(task)}`)
  if (tree.nodes) return [head, ...graphLines(terminal, tree.nodes, nowMs), ...failed]
  const slowest = tree.slowest.map((task) => `   ${terminal.paint('quiet', 'slowest')}  ${taskText(tree, task)} ${slowText(task, nowMs)}`)
  return [head, ...stageLines(tree), ...failed, ...slowest]
}

/** One below the other, with the numbers in a column. */
function stageLines({ stages }: RunTree): string[] {
  const longest = (texts: string[]) => Math.max(...texts.map(({ length }) => length))
  const totals = stages.map(({ total }) => total.toLocaleString('en'))
  const [nameLetters, totalLetters] = [longest(stages.map(({ name }) => name)), longest(totals)]
  return stages.map(({ name, counts }, i) => {
    const branch = i === stages.length - 1 ? '└─' : '├─'
    return `${branch} ${name.padEnd(nameLetters)}  ${totals[i]?.padStart(totalLetters)}: ${countsText(counts)}`
  })
}

/** Each call of a map counts its items from 0, so tasks are shown by the end of their id, as in `runs tasks`. */
const taskText = ({ runId }: RunTree, { task, taskId, index }: TaskView) =>
  task === undefined ? `#${index}` : `${task} ${taskId.replace(`${runId}-`, '')}`

const whyText = ({ attempt, reason, failure }: TaskView) =>
  `attempt ${attempt}: ${harmless(failure?.message ?? reason ?? '').replaceAll(/\s+/g, ' ')}`

function slowText({ startedAt, endedAt, state, instance }: TaskView, nowMs: number): string {
  const ms = startedAt === undefined ? 0 : (endedAt === undefined ? nowMs : Date.parse(endedAt)) - Date.parse(startedAt)
  return `${endedAt === undefined ? 'for' : 'took'} ${tookText(Math.max(0, ms))} (${state.replace('_', ' ')}${instance ? ` on ${instance}` : ''})`
}
