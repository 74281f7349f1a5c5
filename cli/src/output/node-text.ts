import type { HttpNodeRequest, NodeWait } from '@carillon/contracts'
import { exactSpanText } from './time-text.ts'

/** What a node waits for, in a few words. */
export function waitText(wait: NodeWait): string {
  if ('until' in wait) return `until ${wait.until}`
  if ('durationMs' in wait) return exactSpanText(wait.durationMs)
  const { timeoutMs } = 'approval' in wait ? wait.approval : wait
  const limit = timeoutMs === undefined ? '' : `, ${exactSpanText(timeoutMs)} at most`
  if ('signal' in wait) return `signal ${wait.signal}${limit}`
  return `approval${wait.approval.by ? ` by ${wait.approval.by.join(', ')}` : ''}${limit}`
}

/** Letters of a URL: what tells one from another stands in front. */
const URL_SHOWN = 60

/** The request that a node sends, in a few words. */
export function requestText({ method = 'GET', url }: HttpNodeRequest): string {
  return `${method} ${url.length > URL_SHOWN ? `${url.slice(0, URL_SHOWN - 1)}…` : url}`
}

/** `1 node`, `2 nodes`. */
export const nodesText = (count: number): string => `${count.toLocaleString('en')} ${count === 1 ? 'node' : 'nodes'}`
