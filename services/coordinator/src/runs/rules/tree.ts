import { isEnded, NODE_STATES, type NodeState } from '@carillon/contracts'
import type { RunHead, TaskHead } from '@carillon/store'
import type { TreeStage } from '../../modes/mode.ts'

/** How far a fan-out run is, in percent: tasks that have ended, and the progress of those that run. */
export function percentOf(run: RunHead, stages: readonly TreeStage[], running: readonly TaskHead[]): number {
  if (isEnded(run.state)) return 100
  const total = stages.reduce((sum, stage) => sum + stage.total, 0)
  if (total === 0) return 0
  const ended = stages.reduce((sum, { counts }) => sum + endedOf(counts), 0)
  const part = running.reduce((sum, { progress }) => sum + (progress?.percent ?? 0) / 100, 0)
  return Math.min(100, Math.round(((ended + part) / total) * 1_000) / 10)
}

const endedOf = (counts: TreeStage['counts']) => NODE_STATES.reduce((sum, state) => sum + (hasEnded(state) ? (counts[state] ?? 0) : 0), 0)

const hasEnded = (state: NodeState) => state === 'blocked' || state === 'compensated' || isEnded(state)

/** The estimated time left, if the rest is as fast as what is done; undefined where that cannot be estimated. */
export function leftMsOf(run: RunHead, percent: number, now: number): number | undefined {
  if (run.state !== 'running' || run.startedAt === null || percent <= 0 || percent >= 100) return undefined
  return Math.round(((now - run.startedAt) * (100 - percent)) / percent)
}
