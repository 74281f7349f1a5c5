import { Handle, type Node, type NodeProps, Position } from '@xyflow/react'
import { memo, type ReactNode } from 'react'
import { useMessages } from '../language/language-context.tsx'
import { StateSign, TONE_OF } from '../parts/state-badge.tsx'
import type { DrawnNode } from './drawing.ts'
import styles from './graph-canvas.module.css'
import type { NodeGroup } from './groups.ts'

type StepNode = Node<{ readonly node: DrawnNode; readonly isWrong: boolean }, 'step'>
type FoldNode = Node<{ readonly group: NodeGroup }, 'fold'>

/** One node, with its state where a run is shown. */
const Step = memo(function Step({ data: { node, isWrong }, selected, isConnectable }: NodeProps<StepNode>): ReactNode {
  const { workflow: texts, parts } = useMessages()
  const { id, kind, text, run, isDisabled } = node
  return (
    <div
      className={styles['node']}
      data-node={id}
      data-state={run?.state}
      data-tone={run === undefined ? undefined : TONE_OF[run.state]}
      data-selected={selected}
      data-wrong={isWrong}
      data-disabled={isDisabled}
    >
      <Handle type="target" position={Position.Top} isConnectable={isConnectable} className={styles['handle'] ?? ''} />
      <div className={styles['first']}>
        {run !== undefined && <StateSign state={run.state} />}
        <strong className={styles['id']}>{id}</strong>
        <span className={styles['kind']}>{kind === undefined ? '?' : texts.kinds[kind]}</span>
      </div>
      <div className={styles['text']}>
        {run !== undefined && <span className="visually-hidden">{parts.states[run.state]} </span>}
        {text}
      </div>
      <Handle type="source" position={Position.Bottom} isConnectable={isConnectable} className={styles['handle'] ?? ''} />
    </div>
  )
})

/** Several nodes as one box, with how many are in each state. */
const Fold = memo(function Fold({ data: { group } }: NodeProps<FoldNode>): ReactNode {
  const { workflow: texts, parts } = useMessages()
  const counts = new Map<string, number>()
  for (const { run } of group.members)
    if (run !== undefined) counts.set(parts.states[run.state], (counts.get(parts.states[run.state]) ?? 0) + 1)
  const [first, last] = [group.members[0]?.id ?? '', group.members.at(-1)?.id ?? '']
  return (
    <div className={styles['fold-node']} title={texts.openGroup}>
      <Handle type="target" position={Position.Top} isConnectable={false} className={styles['handle'] ?? ''} />
      <strong className={styles['id']}>{texts.group(group.members.length)}</strong>
      <div className={styles['text']}>
        {counts.size > 0 ? [...counts].map(([state, count]) => `${count} ${state}`).join(', ') : `${first} … ${last}`}
      </div>
      <Handle type="source" position={Position.Bottom} isConnectable={false} className={styles['handle'] ?? ''} />
    </div>
  )
})

/** Outside of the components: the library draws all nodes again when this is another object. */
export const NODE_TYPES = { step: Step, fold: Fold }
