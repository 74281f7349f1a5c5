import { type ReactNode, useState } from 'react'
import { useMessages } from '../language/language-context.tsx'
import { Button } from '../parts/button.tsx'
import { Field, TextInput } from '../parts/field.tsx'
import { doesOf, edgesOf, kindOfNode, type WorkflowDocument } from './document.ts'
import styles from './editor.module.css'

export interface NodeListProps {
  readonly document: WorkflowDocument
  readonly selected: string | undefined
  readonly wrong: ReadonlySet<string>
  readonly onSelect: (id: string) => void
  readonly onMove: (id: string, by: -1 | 1) => void
  readonly mayEdit: boolean
}

/** The same document as a list: for large graphs, keyboards and screen readers. */
export function NodeList({ document, selected, wrong, onSelect, onMove, mayEdit }: NodeListProps): ReactNode {
  const { workflow: texts } = useMessages()
  const [text, setText] = useState('')
  const { nodes } = document.workflow
  const edges = edgesOf(nodes)
  const wanted = text.trim().toLowerCase()
  const shown = nodes.filter((node) => `${node.id} ${doesOf(node)}`.toLowerCase().includes(wanted))
  return (
    <div className={styles['list']}>
      <Field label={texts.findNode} isLabelHidden>
        <TextInput type="search" placeholder={texts.findNode} value={text} onChange={(event) => setText(event.currentTarget.value)} />
      </Field>
      <ol className={styles['rows']} aria-label={texts.nodes}>
        {shown.map((node) => {
          const kind = kindOfNode(node)
          const before = edges.filter(({ to }) => to === node.id).map(({ from, when }) => (when === undefined ? from : `${from} (${when})`))
          return (
            <li key={node.id} className={styles['row']} data-wrong={wrong.has(node.id)}>
              <button type="button" className={styles['pick']} aria-current={node.id === selected} onClick={() => onSelect(node.id)}>
                <strong>{node.id}</strong>
                <span className={styles['muted']}>
                  {kind === undefined ? '?' : texts.kinds[kind]} {doesOf(node)}
                </span>
                {before.length > 0 && <span className={styles['muted']}>{texts.comesAfter(before.join(', '))}</span>}
                {wrong.has(node.id) && <span className={styles['wrong']}>{texts.hasProblem}</span>}
              </button>
              {mayEdit && (
                <span className={styles['order']}>
                  <Button look="quiet" size="small" aria-label={texts.moveUp(node.id)} onClick={() => onMove(node.id, -1)}>
                    ↑
                  </Button>
                  <Button look="quiet" size="small" aria-label={texts.moveDown(node.id)} onClick={() => onMove(node.id, 1)}>
                    ↓
                  </Button>
                </span>
              )}
            </li>
          )
        })}
      </ol>
    </div>
  )
}
