import type { NodeState } from '@carillon/contracts'
import { type Layout, LINE_HEIGHT, type PlacedEdge, type PlacedNode, type Point, shortened } from './layout.ts'

const QUIET = '#8794a1'
/** Fill and line of a box. */
const PLAIN = ['#ffffff', '#52606d'] as const
const COLOURS: Readonly<Record<NodeState, readonly [fill: string, line: string]>> = {
  waiting: ['#ffffff', '#9aa5b1'],
  delayed: ['#fff8e1', '#b7791f'],
  queued: ['#e6f0fa', '#5a8bbf'],
  running: ['#cfe5fb', '#1c6fb8'],
  paused: ['#f3e9d2', '#8a6d1b'],
  cancelling: ['#fdeccc', '#b7791f'],
  succeeded: ['#d9f2e0', '#2f855a'],
  failed: ['#fbdada', '#c53030'],
  timed_out: ['#fbdada', '#c53030'],
  expired: ['#fbdada', '#c53030'],
  compensated: ['#ede4f7', '#6b46a8'],
  blocked: ['#fdf0f0', '#d98c8c'],
  cancelled: ['#eceff2', '#7b8794'],
  skipped: ['#eceff2', '#7b8794'],
  not_needed: ['#f7f8f9', '#cbd2d9'],
}

/** A picture without scripts and without references to anything outside of it. The same layout is the same text. */
export function svgOf(title: string, { width, height, nodes, edges }: Layout): string {
  const states = nodes.some(({ node }) => node.state !== undefined)
  const [w, h] = [Math.ceil(width), Math.ceil(height)]
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${w}" height="${h}" viewBox="0 0 ${w} ${h}" role="img">`,
    `<title>${escaped(title)}</title>`,
    '<style>text{font:12px ui-monospace,Menlo,Consolas,monospace;fill:#1f2933}.quiet{fill:#52606d}.id{font-weight:bold}</style>',
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto">',
    '<path d="M0,0L8,4L0,8z" fill="#52606d"/></marker></defs>',
    `<rect width="${w}" height="${h}" fill="#ffffff"/>`,
    ...edges.map(edgeOf),
    ...nodes.map((placed) => nodeOf(placed, states)),
    '</svg>',
    '',
  ].join('\n')
}

function edgeOf({ edge, points, label }: PlacedEdge): string {
  const path = points.map(({ x, y }, i) => `${i === 0 ? 'M' : 'L'}${number(x)},${number(y)}`).join('')
  const style = edge.isDead ? ` stroke="${QUIET}" stroke-dasharray="4 3"` : ' stroke="#52606d"'
  const arrow = `<path d="${path}" fill="none"${style} marker-end="url(#tip)"/>`
  if (!label || edge.text === undefined) return arrow
  return `${arrow}\n${textOf(edge.text, { x: label.x, y: label.y + LINE_HEIGHT - 4 }, { className: 'quiet', whole: edge.text })}`
}

function nodeOf({ node, x, y, width, height }: PlacedNode, states: boolean): string {
  const [fill, line] = node.state ? COLOURS[node.state] : PLAIN
  const dash = node.isDisabled ? ' stroke-dasharray="4 3"' : ''
  const radius = node.kind === 'wait' ? height / 2 : node.kind === 'decision' ? 0 : 6
  const shape =
    node.kind === 'decision'
      ? `<path d="${octagon({ x, y }, width, height)}" fill="${fill}" stroke="${line}"${dash}/>`
      : `<rect x="${number(x)}" y="${number(y)}" width="${number(width)}" height="${number(height)}" rx="${number(radius)}" fill="${fill}" stroke="${line}"${dash}/>`
  const at = (row: number) => ({ x: x + width / 2, y: y + (row === 0 ? 20 : 38) })
  const second = states && node.state ? node.state.replaceAll('_', ' ') : node.text
  return `<g><title>${escaped(`${node.id}: ${node.kind} ${node.text}`)}</title>${shape}
${textOf(node.id, at(0), { className: 'id', anchor: 'middle' })}
${textOf(second, at(1), { className: 'quiet', anchor: 'middle' })}</g>`
}

function octagon({ x, y }: Point, width: number, height: number): string {
  const cut = height / 3
  const corners = [
    [x + cut, y],
    [x + width - cut, y],
    [x + width, y + cut],
    [x + width, y + height - cut],
    [x + width - cut, y + height],
    [x + cut, y + height],
    [x, y + height - cut],
    [x, y + cut],
  ] as const
  return `${corners.map(([cx, cy], i) => `${i === 0 ? 'M' : 'L'}${number(cx)},${number(cy)}`).join('')}z`
}

function textOf(
  text: string,
  { x, y }: Point,
  { className, anchor, whole }: { className: string; anchor?: 'middle'; whole?: string },
): string {
  const title = whole !== undefined && shortened(whole) !== whole ? `<title>${escaped(whole)}</title>` : ''
  const attributes = `x="${number(x)}" y="${number(y)}" class="${className}"${anchor ? ` text-anchor="${anchor}"` : ''}`
  return `<text ${attributes}>${title}${escaped(shortened(text))}</text>`
}

/** Two decimals, and no longer ones that differ between machines. */
const number = (value: number) => String(Math.round(value * 100) / 100)

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
// biome-ignore lint/suspicious/noControlCharactersInRegex: XML cannot hold these
const NOT_XML = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g

/** Any text as text of XML. */
const escaped = (text: string) =>
  text
    .replace(/\p{Surrogate}/gu, '\ufffd')
    .replace(NOT_XML, '\ufffd')
    .replace(/[&<>"']/g, (letter) => ENTITIES[letter] as string)
