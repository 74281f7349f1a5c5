import {
  Background,
  type Connection,
  Controls,
  type Edge,
  type EdgeChange,
  MarkerType,
  MiniMap,
  type Node,
  type NodeChange,
  ReactFlow,
  ReactFlowProvider,
  useReactFlow,
} from '@xyflow/react'
import '@xyflow/react/dist/base.css'
import { type ReactNode, useEffect, useMemo, useState } from 'react'
import { useMessages } from '../language/language-context.tsx'
import { Button } from '../parts/button.tsx'
import { systemClock } from '../time/clock.ts'
import type { Drawing } from './drawing.ts'
import { elkLayouter } from './elk-layouter.ts'
import styles from './graph-canvas.module.css'
import { EDGE_TYPES } from './graph-edges.tsx'
import { NODE_TYPES } from './graph-nodes.tsx'
import { FOLDED_ABOVE, type FoldedDrawing, folded, isGroupId } from './groups.ts'
import { inLayers, knownLayout, type Layout, layOut, NODE_SIZE, type Placeable, type Point, routeKey } from './layout.ts'

export interface GraphCanvasProps {
  readonly drawing: Drawing
  readonly selected: string | undefined
  readonly onSelect: (id: string | undefined) => void
  /** Undefined: it is only looked at. */
  readonly editing?: GraphEditing
  /** Nodes with something wrong. */
  readonly wrong?: ReadonlySet<string>
}

export interface GraphEditing {
  readonly onConnect: (from: string, to: string) => void
  readonly mayConnect: (from: string, to: string) => boolean
  readonly onRemove: (nodes: readonly string[], edges: readonly { readonly from: string; readonly to: string }[]) => void
}

const layouter = elkLayouter(systemClock)

/** The picture of a graph. Above 60 nodes it opens with groups; states of a run change colours, and never the places. */
export function GraphCanvas(props: GraphCanvasProps): ReactNode {
  return (
    <ReactFlowProvider>
      <Canvas {...props} />
    </ReactFlowProvider>
  )
}

function Canvas({ drawing, selected, onSelect, editing, wrong }: GraphCanvasProps): ReactNode {
  const { workflow: texts } = useMessages()
  const { view, opened, open, fold } = useFolded(drawing, selected, wrong)
  const layout = useLayout(view)
  const [moved, setMoved] = useState<ReadonlyMap<string, Point>>(new Map())
  const [chosenEdge, setChosenEdge] = useState<string>()
  const flow = useReactFlow()
  const structure = view.nodes.length + view.groups.length
  // biome-ignore lint/correctness/useExhaustiveDependencies: another layout is another picture.
  useEffect(() => {
    flow.fitView({ padding: 0.15, maxZoom: 1.1, duration: 0 }).catch(() => undefined)
  }, [layout, structure])
  const nodes = nodesOf(view, { layout, moved, selected, wrong })
  const edges = edgesOf(view, { chosen: chosenEdge, layout, moved })
  const change = (changes: readonly NodeChange[]) => {
    const places = changes.flatMap((one) => (one.type === 'position' && one.position ? [[one.id, one.position] as const] : []))
    if (places.length > 0) setMoved((before) => new Map([...before, ...places]))
    const removed = changes.flatMap((one) => (one.type === 'remove' ? [one.id] : []))
    if (removed.length > 0) editing?.onRemove(removed, [])
  }
  const changeEdges = (changes: readonly EdgeChange[]) => {
    for (const one of changes) if (one.type === 'select') setChosenEdge(one.selected ? one.id : undefined)
    const removed = changes.flatMap((one) => (one.type === 'remove' ? view.edges.filter((edge) => routeKey(edge) === one.id) : []))
    // One that leads to a group stands for several.
    const own = removed.filter(({ from, to }) => !isGroupId(from) && !isGroupId(to))
    if (own.length > 0) editing?.onRemove([], own)
  }
  return (
    <div className={styles['canvas']} data-layout={layout.by}>
      <ReactFlow
        nodes={nodes}
        edges={edges}
        nodeTypes={NODE_TYPES}
        edgeTypes={EDGE_TYPES}
        onNodesChange={change}
        onEdgesChange={changeEdges}
        onNodeClick={(_event, { id }) => (isGroupId(id) ? open(id) : onSelect(id))}
        onPaneClick={() => onSelect(undefined)}
        onConnect={({ source, target }: Connection) => editing?.onConnect(source, target)}
        isValidConnection={({ source, target }) => editing?.mayConnect(source, target) ?? false}
        nodesDraggable={editing !== undefined}
        nodesConnectable={editing !== undefined}
        deleteKeyCode={editing === undefined ? null : ['Delete', 'Backspace']}
        onlyRenderVisibleElements
        minZoom={0.1}
        maxZoom={2}
        fitView
        proOptions={{ hideAttribution: true }}
        ariaLabelConfig={{ 'controls.ariaLabel': texts.controls }}
      >
        <Background gap={20} />
        <Controls showInteractive={false} />
        {structure > 12 && <MiniMap pannable zoomable ariaLabel={texts.map} />}
      </ReactFlow>
      {opened.size > 0 && drawing.nodes.length > FOLDED_ABOVE && (
        <Button size="small" className={styles['fold'] ?? ''} onClick={fold}>
          {texts.fold}
        </Button>
      )}
    </div>
  )
}

/** Nothing is wrong with any node. */
const NONE: ReadonlySet<string> = new Set()

/** A large drawing with groups. What was selected, or had something wrong, stays a node of its own until all are folded again: nothing goes away under the hand. */
function useFolded(drawing: Drawing, selected: string | undefined, wrong: ReadonlySet<string> = NONE) {
  const [opened, setOpened] = useState<ReadonlySet<string>>(NONE)
  const wanted = [...(selected === undefined ? [] : [selected]), ...wrong].filter((id) => !opened.has(id))
  if (drawing.nodes.length > FOLDED_ABOVE && wanted.length > 0) setOpened(new Set([...opened, ...wanted]))
  const view = useMemo(() => folded(drawing, opened), [drawing, opened])
  return {
    view,
    opened,
    open: (id: string) => setOpened(new Set([...opened, ...(view.groups.find((group) => group.id === id)?.opens ?? [])])),
    fold: () => setOpened(NONE),
  }
}

/** Layers at once, the library's places when they come. The same structure is placed once. */
function useLayout({ nodes, groups, edges }: FoldedDrawing): Layout {
  const graph = useMemo<Placeable>(() => ({ ids: [...nodes, ...groups].map(({ id }) => id), edges }), [nodes, groups, edges])
  const [placed, setPlaced] = useState<Layout>()
  const known = knownLayout(graph)
  useEffect(() => {
    let isWanted = true
    layOut(graph, layouter)
      .then((layout) => isWanted && setPlaced(layout))
      .catch(() => undefined)
    return () => {
      isWanted = false
    }
  }, [graph])
  return known ?? (placed !== undefined && graph.ids.every((id) => placed.places.has(id)) ? placed : inLayers(graph))
}

interface Look {
  readonly layout: Layout
  readonly moved: ReadonlyMap<string, Point>
  readonly selected: string | undefined
  readonly wrong: ReadonlySet<string> | undefined
}

/** With sizes and handles, or the library draws all nodes to measure them. */
function nodesOf({ nodes, groups }: FoldedDrawing, { layout, moved, selected, wrong }: Look): Node[] {
  const placeOf = (id: string) => moved.get(id) ?? layout.places.get(id) ?? { x: 0, y: 0 }
  const common = (id: string) => ({ id, position: placeOf(id), ...NODE_SIZE, measured: NODE_SIZE, handles: HANDLES })
  return [
    ...nodes.map((node) => ({
      ...common(node.id),
      type: 'step',
      selected: node.id === selected,
      data: { node, isWrong: wrong?.has(node.id) === true },
    })),
    ...groups.map((group) => ({ ...common(group.id), type: 'fold', selectable: false, draggable: false, data: { group } })),
  ]
}

const HANDLES = [
  { type: 'target', position: 'top', x: NODE_SIZE.width / 2, y: 0, width: 1, height: 1 },
  { type: 'source', position: 'bottom', x: NODE_SIZE.width / 2, y: NODE_SIZE.height, width: 1, height: 1 },
] as unknown as NonNullable<Node['handles']>

interface Ways extends Pick<Look, 'layout' | 'moved'> {
  readonly chosen: string | undefined
}

function edgesOf({ edges }: FoldedDrawing, { chosen, layout, moved }: Ways): Edge[] {
  return edges.map((edge) => ({
    ...{ id: routeKey(edge), source: edge.from, target: edge.to, type: 'way' },
    selected: routeKey(edge) === chosen,
    className: edge.isDead ? (styles['dead'] ?? '') : '',
    markerEnd: { type: MarkerType.ArrowClosed, width: 18, height: 18 },
    data: { text: edge.text, route: moved.has(edge.from) || moved.has(edge.to) ? undefined : layout.routes.get(routeKey(edge)) },
  }))
}
