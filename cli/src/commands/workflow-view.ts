import { branchesOf, compensationOf, type JobView, kindOf, type WorkflowNode } from '@carillon/contracts'
import { now } from '../clock.ts'
import { requestText, waitText } from '../output/node-text.ts'
import { scheduleText } from '../output/schedule-text.ts'
import { type Column, Table } from '../output/table-layout.ts'
import type { Terminal } from '../output/terminal.ts'
import { relativeText, timeText } from '../output/time-text.ts'
import { printJob } from './job-view.ts'

/** The columns of `workflows list`. */
export function workflowColumns(): Column<JobView>[] {
  const nowMs = now()
  return [
    { heading: 'WORKFLOW', text: ({ name }) => name, narrow: 'whole' },
    { heading: 'STATE', text: ({ state }) => state, narrow: 'whole' },
    { heading: 'NODES', text: ({ workflow }) => String(workflow?.nodes.length ?? 0) },
    { heading: 'SCHEDULE', text: ({ schedule }) => scheduleText(schedule) },
    { heading: 'NEXT', text: ({ nextAt }) => timeText(nextAt, nowMs), brief: ({ nextAt }) => relativeText(nextAt, nowMs) },
    { heading: 'DESCRIPTION', text: ({ description }) => description ?? '' },
  ]
}

const NODE_COLUMNS: readonly Column<WorkflowNode>[] = [
  { heading: 'NODE', text: ({ id }) => id, narrow: 'whole' },
  { heading: 'KIND', text: kindOf },
  { heading: 'DOES', text: doesText },
  { heading: 'AFTER', text: ({ after = [] }) => [after].flat().join(', ') },
  { heading: 'UNDONE BY', text: (node) => compensationOf(node)?.handler ?? '', narrow: 1 },
  { heading: 'ON FAILURE', text: ({ onFailure = '' }) => onFailure, narrow: 1 },
  { heading: 'DISABLED', text: ({ disabled }) => (disabled ? 'yes' : ''), narrow: 2 },
  { heading: 'DESCRIPTION', text: ({ description = '' }) => description, narrow: 3 },
]

/** A workflow, field by field, then its nodes. */
export function printWorkflow(terminal: Terminal, job: JobView): void {
  printJob(terminal, job)
  if (terminal.json || !job.workflow) return
  // Also the decisions that lead to a node come before it.
  const after = new Map(job.workflow.nodes.map((node) => [node.id, new Set([node.after ?? []].flat())]))
  for (const node of job.workflow.nodes) for (const { to } of branchesOf(node)) for (const id of to) after.get(id)?.add(node.id)
  const nodes = job.workflow.nodes.map((node): WorkflowNode => {
    const names = [...(after.get(node.id) ?? [])]
    return names.length === 0 ? node : { ...node, after: names }
  })
  const table = new Table(
    terminal,
    NODE_COLUMNS.filter(({ text }) => nodes.some((node) => text(node) !== '')),
    nodes,
  )
  terminal.print(`\n${table.head()}${nodes.map((node) => table.line(node)).join('')}`.trimEnd())
}

function doesText(node: WorkflowNode): string {
  if ('foreach' in node) return `${node.handler} for each of ${node.foreach}`
  if ('handler' in node) return node.handler
  if ('job' in node) return `run of ${node.job}`
  if ('wait' in node) return waitText(node.wait)
  if ('http' in node) return requestText(node.http)
  if ('publish' in node) return `message on ${node.publish.subject}`
  return branchesOf(node)
    .map(({ when, to }) => `${when ?? 'otherwise'} → ${to.join(', ')}`)
    .join('; ')
}
