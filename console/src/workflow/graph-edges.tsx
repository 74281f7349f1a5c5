import { BaseEdge, type Edge, type EdgeProps, EdgeText, getSmoothStepPath } from '@xyflow/react'
import { memo, type ReactNode } from 'react'
import { type Route, roundedPath, shortCondition } from './layout.ts'

type WayEdge = Edge<{ readonly route?: Route | undefined; readonly text?: string | undefined }, 'way'>

/** An arrow on the way that was found for it; one whose boxes were moved takes a simple one. */
const Way = memo(function Way({ data, markerEnd, ...ends }: EdgeProps<WayEdge>): ReactNode {
  const [simple, labelX, labelY] = getSmoothStepPath(ends)
  const { route, text } = data ?? {}
  const shown = text === undefined ? undefined : shortCondition(text)
  const place =
    route?.label === undefined
      ? { x: labelX, y: labelY }
      : { x: route.label.x + ((shown?.length ?? 0) * LETTER_WIDTH) / 2, y: route.label.y + 9 }
  return (
    <>
      <BaseEdge path={route === undefined ? simple : roundedPath(route.points)} {...(markerEnd === undefined ? {} : { markerEnd })} />
      {shown !== undefined && <EdgeText {...place} label={shown} labelBgPadding={[4, 2]} labelBgBorderRadius={4} />}
    </>
  )
})

/** As the layout makes room for it. */
const LETTER_WIDTH = 6.4

/** Outside of the components: the library draws all arrows again when this is another object. */
export const EDGE_TYPES = { way: Way }
