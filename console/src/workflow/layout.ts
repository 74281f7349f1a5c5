import type { DrawnEdge } from './drawing.ts'
import { layersOf } from './layers.ts'

/** What is placed: boxes of one size, and arrows with the room that their texts need. */
export interface Placeable {
  readonly ids: readonly string[]
  readonly edges: readonly DrawnEdge[]
}
export interface Point {
  readonly x: number
  readonly y: number
}
export interface Route {
  readonly points: readonly Point[]
  /** The upper left corner of its text. */
  readonly label?: Point
}
export const routeKey = ({ from, to }: Pick<DrawnEdge, 'from' | 'to'>): string => `${from} ${to}`

export interface Layout {
  /** The upper left corner of each box. */
  readonly places: ReadonlyMap<string, Point>
  /** The way of each arrow, around boxes, by `routeKey`; where the library has found one. */
  readonly routes: ReadonlyMap<string, Route>
  /** `layers`: the library had no result in time. */
  readonly by: 'elk' | 'layers'
}
/** A line through points with round corners, as an SVG path. */
export function roundedPath(points: readonly Point[], radius = 6): string {
  const [first, ...rest] = points
  if (first === undefined) return ''
  const parts = rest.map((point, i) => {
    const next = rest[i + 1]
    if (next === undefined) return `L${point.x},${point.y}`
    const before = points[i] as Point
    const [a, b] = [towards(point, before, radius), towards(point, next, radius)]
    return `L${a.x},${a.y}Q${point.x},${point.y} ${b.x},${b.y}`
  })
  return `M${first.x},${first.y}${parts.join('')}`
}

/** A point on the way from one to another, at most half of it away. */
function towards(from: Point, to: Point, distance: number): Point {
  const length = Math.hypot(to.x - from.x, to.y - from.y)
  const share = length === 0 ? 0 : Math.min(distance / length, 0.5)
  return { x: from.x + (to.x - from.x) * share, y: from.y + (to.y - from.y) * share }
}

/** What a graph is given to, and answers places; undefined: not in time. */
export type Layouter = (graph: ElkGraph) => Promise<ElkGraph | undefined>

export interface ElkGraph {
  readonly id: string
  readonly layoutOptions?: Readonly<Record<string, string>>
  readonly children?: readonly {
    readonly id: string
    readonly width?: number
    readonly height?: number
    readonly x?: number
    readonly y?: number
  }[]
  readonly edges?: readonly {
    readonly id: string
    readonly sources: readonly string[]
    readonly targets: readonly string[]
    readonly labels?: readonly ({
      readonly id: string
      readonly text: string
      readonly width: number
      readonly height: number
    } & Partial<Point>)[]
    readonly sections?: readonly { readonly startPoint: Point; readonly bendPoints?: readonly Point[]; readonly endPoint: Point }[]
  }[]
}

export const NODE_SIZE = { width: 208, height: 58 } as const
const GAP = { across: 36, down: 64 } as const
/** Width of a letter of a condition, and how many of them are shown. */
const LETTER = { width: 6.4, most: 28 } as const

const OPTIONS = {
  'elk.algorithm': 'layered',
  'elk.direction': 'DOWN',
  // The other one takes ten times as long.
  'elk.layered.nodePlacement.strategy': 'BRANDES_KOEPF',
  // A node stands in the middle of those that it leads to, and not above one of them.
  'elk.layered.nodePlacement.bk.fixedAlignment': 'BALANCED',
  'elk.layered.spacing.nodeNodeBetweenLayers': '56',
  'elk.spacing.nodeNode': '32',
  'elk.randomSeed': '1',
}

/** A condition as it is drawn. */
export const shortCondition = (text: string): string => (text.length > LETTER.most ? `${text.slice(0, LETTER.most - 1)}…` : text)

/** What a layout depends on: the same structure is placed once, whatever the states are. */
export const structureOf = ({ ids, edges }: Placeable): string =>
  JSON.stringify([ids, edges.map(({ from, to, text }) => [from, to, text === undefined ? 0 : shortCondition(text).length])])

const cache = new Map<string, Layout>()
const underWay = new Map<string, Promise<Layout>>()
const MOST_LAYOUTS = 20

/** Places boxes by the library, in layers where that takes too long or fails. The same structure is placed once. */
export function layOut(graph: Placeable, layouter: Layouter): Promise<Layout> {
  const key = structureOf(graph)
  const known = cache.get(key)
  if (known) return Promise.resolve(known)
  const running = underWay.get(key) ?? place(graph, layouter).finally(() => underWay.delete(key))
  underWay.set(key, running)
  return running
}

async function place(graph: Placeable, layouter: Layouter): Promise<Layout> {
  const placed = await layouter(elkGraphOf(graph)).catch(() => undefined)
  const layout = placed === undefined ? inLayers(graph) : layoutOf(placed, graph)
  const [oldest] = cache.keys()
  if (cache.size >= MOST_LAYOUTS && oldest !== undefined) cache.delete(oldest)
  cache.set(structureOf(graph), layout)
  return layout
}

/** The layout of a structure that was placed before. */
export const knownLayout = (graph: Placeable): Layout | undefined => cache.get(structureOf(graph))

function elkGraphOf({ ids, edges }: Placeable): ElkGraph {
  const places = new Map(ids.map((id, i) => [id, `n${i}`]))
  return {
    id: 'workflow',
    layoutOptions: OPTIONS,
    children: ids.map((_, i) => ({ id: `n${i}`, ...NODE_SIZE })),
    edges: edges.flatMap(({ from, to, text }, i) => {
      const [source, target] = [places.get(from), places.get(to)]
      if (source === undefined || target === undefined) return []
      const label =
        text === undefined ? {} : { labels: [{ id: `l${i}`, text: 'text', width: shortCondition(text).length * LETTER.width, height: 18 }] }
      return [{ id: `e${i}`, sources: [source], targets: [target], ...label }]
    }),
  }
}

/** The library answers boxes and arrows under the ids that they were given. */
function layoutOf({ children = [], edges = [] }: ElkGraph, graph: Placeable): Layout {
  const routes = edges.flatMap(({ id, sections = [], labels = [] }) => {
    const edge = graph.edges[Number(id.slice(1))]
    const points = sections.flatMap(({ startPoint, bendPoints = [], endPoint }) => [startPoint, ...bendPoints, endPoint])
    if (edge === undefined || points.length < 2) return []
    const [label] = labels
    return [[routeKey(edge), { points, ...(label === undefined ? {} : { label: { x: label.x ?? 0, y: label.y ?? 0 } }) }] as const]
  })
  return {
    by: 'elk',
    places: new Map(children.map(({ x = 0, y = 0 }, i) => [graph.ids[i] as string, { x, y }])),
    routes: new Map(routes),
  }
}

/** Layers one below the other, each in the middle. */
export function inLayers({ ids, edges }: Placeable): Layout {
  const before = new Map<string, string[]>()
  for (const { from, to } of edges) before.set(to, [...(before.get(to) ?? []), from])
  const layers = layersOf(ids.map((id) => ({ id, after: before.get(id) ?? [] })))
  const places = new Map<string, Point>()
  for (const [depth, layer] of layers.entries()) {
    const left = -((layer.length - 1) * (NODE_SIZE.width + GAP.across)) / 2
    for (const [i, { id }] of layer.entries())
      places.set(id, { x: left + i * (NODE_SIZE.width + GAP.across), y: depth * (NODE_SIZE.height + GAP.down) })
  }
  return { by: 'layers', places, routes: new Map() }
}
