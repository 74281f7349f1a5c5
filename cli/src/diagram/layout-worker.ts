/** The thread in which ELK works: it cannot be interrupted, and takes minutes for some graphs. */
import { parentPort, workerData } from 'node:worker_threads'
import elk, { type ElkExtendedEdge, type ElkNode } from 'elkjs/lib/elk.bundled.js'

interface Size {
  readonly width: number
  readonly height: number
}
interface Point {
  readonly x: number
  readonly y: number
}

/** Boxes by their sizes; arrows by the places of these. */
export interface ElkGraph {
  readonly nodes: readonly Size[]
  readonly edges: readonly { readonly from: number; readonly to: number; readonly label?: Size }[]
}
export interface ElkLaidOut extends Size {
  readonly nodes: readonly Point[]
  readonly edges: readonly { readonly points: readonly Point[]; readonly label?: Point }[]
}

const OPTIONS = {
  'elk.algorithm': 'layered',
  'elk.direction': 'DOWN',
  'elk.edgeRouting': 'ORTHOGONAL',
  // The other one takes ten times as long.
  'elk.layered.nodePlacement.strategy': 'BRANDES_KOEPF',
  'elk.layered.spacing.nodeNodeBetweenLayers': '36',
  'elk.spacing.nodeNode': '28',
  'elk.spacing.edgeLabel': '4',
  'elk.padding': '[top=16,left=16,bottom=16,right=16]',
  'elk.randomSeed': '1',
}

const { nodes, edges } = workerData as ElkGraph
const placed = await new elk.default().layout({
  id: 'workflow',
  layoutOptions: OPTIONS,
  children: nodes.map((size, i) => ({ id: `n${i}`, ...size })),
  edges: edges.map(({ from, to, label }, i) => ({
    ...{ id: `e${i}`, sources: [`n${from}`], targets: [`n${to}`] },
    ...(label ? { labels: [{ id: `l${i}`, text: 'text', ...label }] } : {}),
  })),
})
parentPort?.postMessage(laidOut(placed))

function laidOut({ width = 0, height = 0, children = [], edges: arrows = [] }: ElkNode): ElkLaidOut {
  return { width, height, nodes: children.map(({ x = 0, y = 0 }) => ({ x, y })), edges: arrows.map(arrowOf) }
}

function arrowOf({ sections = [], labels = [] }: ElkExtendedEdge): ElkLaidOut['edges'][number] {
  const points = sections.flatMap(({ startPoint, bendPoints = [], endPoint }) => [startPoint, ...bendPoints, endPoint])
  const [label] = labels
  return { points: points.map(({ x, y }) => ({ x, y })), ...(label ? { label: { x: label.x ?? 0, y: label.y ?? 0 } } : {}) }
}
