import { type ErrorProblem, NODE_KINDS, type NodeKind } from '@carillon/contracts'
import { type ReactNode, useState } from 'react'
import { isObject } from '../forms/exact-json.ts'
import { JsonEditor } from '../forms/json-editor.tsx'
import { useMessages } from '../language/language-context.tsx'
import { Button } from '../parts/button.tsx'
import { Field, Select, TextInput } from '../parts/field.tsx'
import { memberOfProblem } from './check.ts'
import { type EditedNode, edgesOf, kindOfNode, type WorkflowDocument } from './document.ts'
import { withMember } from './edit.ts'
import styles from './editor.module.css'
import { KindFields } from './kind-fields.tsx'

export interface NodePanelProps {
  readonly document: WorkflowDocument
  readonly node: EditedNode
  readonly problems: readonly ErrorProblem[]
  readonly handlers: readonly string[]
  readonly jobs: readonly string[]
  readonly mayEdit: boolean
  /** @param mark changes of one field are one step of undo */
  readonly onChange: (node: EditedNode, mark: string) => void
  readonly onRename: (id: string) => void
  readonly onConnect: (from: string, to: string) => void
  readonly onDisconnect: (from: string, to: string) => void
  readonly onDuplicate: () => void
  readonly onRemove: () => void
}

/** What a node is, and what it may be told. Members without a field of their own are in the JSON below, and are kept. */
export function NodePanel(props: NodePanelProps): ReactNode {
  const { node, problems, onChange, onDuplicate, onRemove, mayEdit } = props
  const { workflow: texts, parts } = useMessages()
  const byMember = new Map(problems.map((problem) => [memberOfProblem(problem), `${problem.problem}. ${problem.hint}`]))
  const own = ['handler', 'job', 'foreach', 'payload', 'decision', 'wait', 'publish', 'http', 'id', 'after', 'disabled', 'onFailure']
  const rest = Object.fromEntries(Object.entries(node).filter(([name]) => !own.includes(name)))
  return (
    <fieldset className={styles['panel']} disabled={!mayEdit} aria-label={texts.settingsOf(node.id)}>
      <IdField {...props} problem={byMember.get('id')} />
      {problems.map(({ field, problem, hint }) => (
        <p key={`${field} ${problem}`} className={styles['problem']}>
          <code>{memberOfProblem({ field })}</code> {problem}. {hint}
        </p>
      ))}
      <KindField {...props} />
      <KindFields {...props} byMember={byMember} />
      <Ways {...props} />
      <Field label={texts.onFailure}>
        <Select
          value={String(node['onFailure'] ?? '')}
          options={(['', 'block', 'skip'] as const).map((value) => ({ value, label: texts.failures[value || 'default'] }))}
          onChange={(event) => onChange(withMember(node, 'onFailure', event.currentTarget.value || undefined), 'onFailure')}
        />
      </Field>
      <label className={styles['tick']}>
        <input
          type="checkbox"
          checked={node['disabled'] === true}
          onChange={(event) => onChange(withMember(node, 'disabled', event.currentTarget.checked || undefined), 'disabled')}
        />
        {texts.disabled}
      </label>
      <JsonEditor
        label={texts.more}
        hint={texts.moreHint}
        value={rest}
        onChange={(next) => {
          if (!isObject(next) && next !== undefined) return
          const kept = Object.entries(node).filter(([name]) => own.includes(name))
          onChange(Object.fromEntries([...kept, ...Object.entries(next ?? {})]) as EditedNode, 'rest')
        }}
      />
      <div className={styles['buttons']}>
        <Button onClick={onDuplicate}>{texts.duplicate}</Button>
        <Button onClick={onRemove}>{parts.remove}</Button>
      </div>
    </fieldset>
  )
}

/** Renamed when the field is left: others name the node by it. */
function IdField({ node, onRename, problem }: NodePanelProps & { readonly problem: string | undefined }): ReactNode {
  const { workflow: texts } = useMessages()
  const [typed, setTyped] = useState<{ readonly of: string; readonly text: string }>()
  const text = typed?.of === node.id ? typed.text : node.id
  return (
    <Field label={texts.id} {...(problem === undefined ? {} : { problem })}>
      <TextInput
        value={text}
        onChange={(event) => setTyped({ of: node.id, text: event.currentTarget.value })}
        onBlur={() => onRename(text)}
        onKeyDown={(event) => event.key === 'Enter' && onRename(text)}
      />
    </Field>
  )
}

/** What a node of another kind begins with; its place in the graph stays. */
const BEGINNINGS: Readonly<Record<NodeKind, Readonly<Record<string, unknown>>>> = {
  handler: { handler: '' },
  foreach: { foreach: 'payload.items', handler: '' },
  job: { job: '' },
  decision: { decision: [] },
  wait: { wait: { durationMs: 60_000 } },
  publish: { publish: { subject: '' } },
  http: { http: { url: 'https://' } },
}

function KindField({ node, onChange }: NodePanelProps): ReactNode {
  const { workflow: texts } = useMessages()
  const kind = kindOfNode(node)
  const common = Object.fromEntries(
    ['id', 'description', 'after', 'disabled', 'onFailure'].flatMap((name) => (name in node ? [[name, node[name]]] : [])),
  )
  return (
    <Field label={texts.kind}>
      <Select
        value={kind ?? ''}
        options={NODE_KINDS.map((value) => ({ value, label: texts.kinds[value] }))}
        onChange={(event) => onChange({ ...common, ...BEGINNINGS[event.currentTarget.value as NodeKind] } as EditedNode, 'kind')}
      />
    </Field>
  )
}

/** Arrows without a mouse. */
function Ways({ document, node, onConnect, onDisconnect }: NodePanelProps): ReactNode {
  const { workflow: texts } = useMessages()
  const edges = edgesOf(document.workflow.nodes)
  const into = edges.filter(({ to }) => to === node.id)
  const others = document.workflow.nodes.filter(({ id }) => id !== node.id && !into.some(({ from }) => from === id))
  return (
    <div className={styles['ways']}>
      <span className={styles['label']}>{texts.after}</span>
      <ul className={styles['chips']}>
        {into.map(({ from, when }) => (
          <li key={from} className={styles['chip']}>
            {when === undefined ? from : `${from} (${when})`}
            <Button look="quiet" size="small" aria-label={texts.removeWay(from, node.id)} onClick={() => onDisconnect(from, node.id)}>
              ×
            </Button>
          </li>
        ))}
      </ul>
      <Field label={texts.addWay} isLabelHidden>
        <Select
          value=""
          options={[{ value: '', label: texts.addWay }, ...others.map(({ id }) => ({ value: id, label: id }))]}
          onChange={(event) => event.currentTarget.value !== '' && onConnect(event.currentTarget.value, node.id)}
        />
      </Field>
    </div>
  )
}
