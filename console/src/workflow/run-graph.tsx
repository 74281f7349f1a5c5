import type { TreeNode } from '@carillon/contracts'
import { type ReactNode, useMemo, useState } from 'react'
import { drawingOfRun } from './drawing.ts'
import { GraphCanvas } from './graph-canvas.tsx'
import styles from './run-graph.module.css'

export interface RunGraphProps {
  readonly nodes: readonly TreeNode[]
  readonly selected?: string | undefined
  readonly onSelect?: (node: string | undefined) => void
}

/** The graph of a run, as it was when the run was requested: the same drawing as that of the editor, with states. */
export function RunGraph({ nodes, selected, onSelect }: RunGraphProps): ReactNode {
  const drawing = useMemo(() => drawingOfRun(nodes), [nodes])
  const [own, setOwn] = useState<string>()
  return (
    <div className={styles['frame']}>
      <GraphCanvas drawing={drawing} selected={onSelect === undefined ? own : selected} onSelect={onSelect ?? setOwn} />
    </div>
  )
}
