import { Worker } from 'node:worker_threads'
import stringWidth from 'string-width'
import { pause } from '../clock.ts'
import { layersOf } from '../output/layers.ts'
import type { Drawing, DrawnEdge, DrawnNode } from './drawing.ts'
import type { ElkGraph, ElkLaidOut } from './layout-worker.ts'

export interface Point {
  readonly x: number
  readonly y: number
}
export interface PlacedNode extends Point {
  readonly node: DrawnNode
  readonly width: number
  readonly height: number
}
export interface PlacedEdge {
  readonly edge: DrawnEdge
  readonly points: readonly Point[]
  /** The upper left corner of its text. */
  readonly label?: Point
}
export interface Layout {
  readonly width: number
  readonly height: number
  readonly nodes: readonly PlacedNode[]
  readonly edges: readonly PlacedEdge[]
  /** `layers`: the library had no result in time. */
  readonly by: 'elk' | 'layers'
}

/** Width of a letter of the font at its size, in px. */
const LETTER_WIDTH = 7.3
export const LINE_HEIGHT = 16
/** Letters of a text; the rest of it is left out. */
const MOST_LETTERS = 40
const NODE = { minWidth: 90, padding: 12, height: 48 }
const GAP = 40
/** Time limit of the layout: ELK places 1,000 nodes in about 3 s, but can take minutes if there are many edges. */
const TIME_LIMIT_MS = 10_000

/** A text as it is drawn. */
export function shortened(text: string): string {
  const letters = [...text.replaceAll(/\s+/g, ' ')]
  return letters.length > MOST_LETTERS ? `${letters.slice(0, MOST_LETTERS - 1).join('')}…` : letters.join('')
}
const widthOf = (text: string) => stringWidth(shortened(text)) * LETTER_WIDTH

function sizeOf({ id, text }: DrawnNode): { width: number; height: number } {
  const width = Math.max(NODE.minWidth, Math.max(widthOf(id), widthOf(text)) + 2 * NODE.padding)
  return { width: Math.ceil(width), height: NODE.height }
}

/** Places what is drawn: by ELK, in a thread that is ended when it takes too long; then in plain layers. */
export async function layOut(drawing: Drawing, timeLimitMs = TIME_LIMIT_MS): Promise<Layout> {
  return (await byElk(drawing, timeLimitMs)) ?? inLayers(drawing)
}

async function byElk({ nodes, edges }: Drawing, timeLimitMs: number): Promise<Layout | undefined> {
  const graph: ElkGraph = {
    nodes: nodes.map((node) => sizeOf(node)),
    edges: edges.map(({ from, to, text }) => ({
      from: nodes.findIndex(({ id }) => id === from),
      to: nodes.findIndex(({ id }) => id === to),
      ...(text === undefined ? {} : { label: { width: Math.ceil(widthOf(text)), height: LINE_HEIGHT } }),
    })),
  }
  const placed = await inThread(graph, timeLimitMs)
  if (!placed) return undefined
  return {
    ...{ width: placed.width, height: placed.height, by: 'elk' },
    nodes: nodes.map((node, i) => ({ node, ...sizeOf(node), ...(placed.nodes[i] as Point) })),
    edges: edges.map((edge, i) => ({ edge, ...(placed.edges[i] as ElkLaidOut['edges'][number]) })),
  }
}

/** Undefined when it takes too long, or fails: a graph that is too deep for the library. */
async function inThread(graph: ElkGraph, timeLimitMs: number): Promise<ElkLaidOut | undefined> {
  const worker = new Worker(new URL('./layout-worker.js', import.meta.url), {
    workerData: graph,
    resourceLimits: { maxOldGenerationSizeMb: 1_024, stackSizeMb: 16 },
  })
  const limit = new AbortController()
  try {
    return await Promise.race([
      new Promise<ElkLaidOut | undefined>((resolve) => {
        worker
          .once('message', resolve)
          .once('error', () => resolve(undefined))
          .once('exit', () => resolve(undefined))
      }),
      pause(timeLimitMs, limit.signal).then(() => undefined),
    ])
  } finally {
    limit.abort()
    await worker.terminate()
  }
}

/** Layers one below the other, with straight arrows. */
function inLayers({ nodes, edges }: Drawing): Layout {
  const before = new Map<string, string[]>()
  for (const { from, to } of edges) before.set(to, [...(before.get(to) ?? []), from])
  const layers = layersOf(nodes.map((node) => ({ id: node.id, node, after: before.get(node.id) ?? [] })))
  const widths = layers.map((layer) => layer.reduce((sum, { node }) => sum + sizeOf(node).width + GAP, GAP))
  const width = Math.max(0, ...widths)
  const placed = new Map<string, PlacedNode>()
  for (const [depth, layer] of layers.entries()) {
    let x = (width - (widths[depth] as number)) / 2 + GAP
    for (const { node } of layer) {
      const size = sizeOf(node)
      placed.set(node.id, { node, ...size, x, y: GAP + depth * (size.height + 2 * GAP) })
      x += size.width + GAP
    }
  }
  return {
    ...{ width, height: layers.length * (NODE.height + 2 * GAP), by: 'layers' },
    nodes: nodes.map(({ id }) => placed.get(id) as PlacedNode),
    edges: edges.map((edge) => straight(edge, placed.get(edge.from) as PlacedNode, placed.get(edge.to) as PlacedNode)),
  }
}

function straight(edge: DrawnEdge, from: PlacedNode, to: PlacedNode): PlacedEdge {
  const points = [
    { x: from.x + from.width / 2, y: from.y + from.height },
    { x: to.x + to.width / 2, y: to.y },
  ] as const
  const middle = { x: (points[0].x + points[1].x) / 2 + 4, y: (points[0].y + points[1].y) / 2 - LINE_HEIGHT / 2 }
  return { edge, points, ...(edge.text === undefined ? {} : { label: middle }) }
}
