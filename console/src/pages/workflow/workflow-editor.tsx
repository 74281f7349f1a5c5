import { type JobView, NODE_KINDS, type NodeKind } from '@carillon/contracts'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { type ReactNode, useMemo, useState } from 'react'
import { asProblem } from '../../api/problem.ts'
import { useCall } from '../../api/use-call.ts'
import { useMessages } from '../../language/language-context.tsx'
import { Button, RoleButton } from '../../parts/button.tsx'
import { Field, Select } from '../../parts/field.tsx'
import { ProblemNote } from '../../parts/states.tsx'
import { useMay } from '../../session/session.ts'
import { oneOf, textOf } from '../../url/search.ts'
import { nodeOfProblem } from '../../workflow/check.ts'
import type { WorkflowDocument } from '../../workflow/document.ts'
import { drawingOf } from '../../workflow/drawing.ts'
import {
  addNode,
  connect,
  connectProblem,
  disconnect,
  duplicateNodes,
  moveNode,
  removeNodes,
  renameNode,
  replaceNode,
} from '../../workflow/edit.ts'
import styles from '../../workflow/editor.module.css'
import { jobOf } from '../../workflow/files.ts'
import { GraphCanvas } from '../../workflow/graph-canvas.tsx'
import { NodeList } from '../../workflow/node-list.tsx'
import { NodePanel } from '../../workflow/node-panel.tsx'
import type { JobDraft } from '../job/job-input.ts'
import { StartDialog } from '../job/start-dialog.tsx'
import { useSaveJob } from '../job/use-save-job.ts'
import layout from '../layout.module.css'
import { FileButtons } from './file-buttons.tsx'
import { GraphPanel } from './graph-panel.tsx'
import { type Editor, type Findings, useEditor, useFindings } from './use-editor.ts'

export interface WorkflowEditorProps {
  readonly initial: WorkflowDocument
  /** The stored job; undefined: a new one. */
  readonly job: JobView | undefined
  readonly onSaved: (job: JobView) => void
}

const VIEWS = ['canvas', 'list'] as const

/** Draws, connects and fills in. The picture and the list are two views of one document. */
export function WorkflowEditor({ initial, job, onSaved }: WorkflowEditorProps): ReactNode {
  const editor = useEditor(initial)
  const findings = useFindings(editor.document)
  const navigate = useNavigate()
  const search = useSearch({ strict: false }) as Readonly<Record<string, unknown>>
  const [isStarting, setStarting] = useState(false)
  const save = useSaveJob(job?.revision)
  const setSearch = (change: object) => {
    navigate({ to: '.', search: { ...search, ...change } as never, replace: true }).catch(() => undefined)
  }
  return (
    <>
      <Toolbar
        editor={editor}
        view={oneOf(search, 'view', VIEWS) ?? 'canvas'}
        onView={(view) => setSearch({ view })}
        onSelect={(node) => setSearch({ node })}
        selected={textOf(search, 'node')}
      >
        {job !== undefined && (
          <RoleButton role="operator" disabled={editor.isChanged} onClick={() => setStarting(true)}>
            <StartText />
          </RoleButton>
        )}
        <RoleButton
          role="developer"
          look="main"
          disabled={
            save.isPending || findings.problems.length > 0 || editor.document.job.name === '' || (!editor.isChanged && job !== undefined)
          }
          onClick={() => save.mutate(jobOf(editor.document) as JobDraft, { onSuccess: onSaved })}
        >
          <SaveText />
        </RoleButton>
      </Toolbar>
      <Status findings={findings} document={editor.document} isChanged={editor.isChanged} onSelect={(node) => setSearch({ node })} />
      {save.error !== null && <SaveProblem error={save.error} />}
      <Workbench editor={editor} findings={findings} isNew={job === undefined} search={search} setSearch={setSearch} />
      {isStarting && job !== undefined && (
        <StartDialog job={job} onClose={() => setStarting(false)} onStarted={(run) => setSearch({ run, node: undefined })} />
      )}
    </>
  )
}

const StartText = () => useMessages().job.start
const SaveText = () => useMessages().parts.save

interface ToolbarProps {
  readonly editor: Editor
  readonly view: (typeof VIEWS)[number]
  readonly onView: (view: (typeof VIEWS)[number]) => void
  readonly selected: string | undefined
  readonly onSelect: (node: string) => void
  readonly children: ReactNode
}

function Toolbar({ editor, view, onView, selected, onSelect, children }: ToolbarProps): ReactNode {
  const { workflow: texts } = useMessages()
  const mayEdit = useMay('developer')
  const { document, change } = editor
  const add = (kind: NodeKind) => {
    const isThere = document.workflow.nodes.some(({ id }) => id === selected)
    const added = addNode(document, kind, { after: isThere ? selected : undefined })
    change(added.document)
    onSelect(added.id)
  }
  return (
    <div className={styles['toolbar']}>
      <Field label={texts.addNode} isLabelHidden>
        <Select
          value=""
          disabled={!mayEdit}
          aria-label={texts.addNode}
          options={[{ value: '', label: texts.addNode }, ...NODE_KINDS.map((value) => ({ value, label: texts.kinds[value] }))]}
          onChange={(event) => event.currentTarget.value !== '' && add(event.currentTarget.value as NodeKind)}
        />
      </Field>
      <Button disabled={!editor.canUndo} onClick={editor.undo}>
        {texts.undo}
      </Button>
      <Button disabled={!editor.canRedo} onClick={editor.redo}>
        {texts.redo}
      </Button>
      {VIEWS.map((one) => (
        <Button key={one} look={view === one ? 'plain' : 'quiet'} aria-pressed={view === one} onClick={() => onView(one)}>
          {texts.views[one]}
        </Button>
      ))}
      <FileButtons document={document} onRead={(next) => change(next)} mayEdit={mayEdit} />
      <div className={`${styles['push']} ${styles['buttons']}`}>{children}</div>
    </div>
  )
}

interface StatusProps {
  readonly findings: Findings
  readonly document: WorkflowDocument
  readonly isChanged: boolean
  readonly onSelect: (node: string) => void
}

/** What is wrong, or that nothing is: said to screen readers as it changes. */
function Status({ findings: { problems, warnings, isChecked }, document, isChanged, onSelect }: StatusProps): ReactNode {
  const { workflow: texts } = useMessages()
  return (
    <div className={layout['stack']} role="status">
      {problems.length === 0 && isChecked && <p className={styles['good']}>{isChanged ? texts.validChanged : texts.valid}</p>}
      {problems.slice(0, 5).map((problem) => {
        const node = nodeOfProblem(problem, document)
        return (
          <p key={`${problem.field} ${problem.problem}`} className={styles['problem']}>
            {node !== undefined && (
              <Button look="quiet" size="small" onClick={() => onSelect(node)}>
                {node}
              </Button>
            )}{' '}
            <code>{problem.field}</code> {problem.problem} {problem.hint}
          </p>
        )
      })}
      {problems.length > 5 && <p className={styles['problem']}>{texts.moreProblems(problems.length - 5)}</p>}
      {warnings.map((warning) => (
        <p key={warning} className={layout['note']}>
          {warning}
        </p>
      ))}
    </div>
  )
}

function SaveProblem({ error }: { readonly error: Error }): ReactNode {
  const { job: texts } = useMessages()
  return asProblem(error).status === 412 ? <p className={layout['note']}>{texts.changedMeanwhile}</p> : <ProblemNote error={error} />
}

interface WorkbenchProps {
  readonly editor: Editor
  readonly findings: Findings
  readonly isNew: boolean
  readonly search: Readonly<Record<string, unknown>>
  readonly setSearch: (change: object) => void
}

/** The picture or the list, and beside it the settings of what is selected. */
function Workbench({ editor: { document, change }, findings, isNew, search, setSearch }: WorkbenchProps): ReactNode {
  const mayEdit = useMay('developer')
  const selected = textOf(search, 'node')
  const view = oneOf(search, 'view', VIEWS) ?? 'canvas'
  const drawing = useMemo(() => drawingOf(document), [document])
  const wrong = new Set(findings.problems.flatMap((problem) => nodeOfProblem(problem, document) ?? []))
  const node = document.workflow.nodes.find(({ id }) => id === selected)
  const { data: handlers } = useCall('handlersList', { limit: 200 })
  const { data: jobs } = useCall('jobsList', { limit: 200 })
  const select = (id: string | undefined) => setSearch({ node: id })
  const editing = {
    onConnect: (from: string, to: string) => change(connect(document, from, to)),
    mayConnect: (from: string, to: string) => connectProblem(document, from, to) === undefined,
    onRemove: (ids: readonly string[], edges: readonly { readonly from: string; readonly to: string }[]) =>
      change(edges.reduce((next, { from, to }) => disconnect(next, from, to), removeNodes(document, ids))),
  }
  const remove = (id: string) => {
    change(removeNodes(document, [id]))
    select(undefined)
  }
  const rename = (from: string, to: string) => {
    const isTaken = document.workflow.nodes.some(({ id }) => id === to)
    if (to === from || to.trim() === '' || isTaken) return
    change(renameNode(document, from, to))
    select(to)
  }
  return (
    <div className={styles['frame']}>
      <div className={styles['main']}>
        {view === 'canvas' ? (
          <GraphCanvas drawing={drawing} selected={selected} onSelect={select} wrong={wrong} {...(mayEdit ? { editing } : {})} />
        ) : (
          <NodeList
            document={document}
            selected={selected}
            wrong={wrong}
            onSelect={select}
            onMove={(id, by) => change(moveNode(document, id, by))}
            mayEdit={mayEdit}
          />
        )}
      </div>
      <div className={styles['side']}>
        {node === undefined ? (
          <GraphPanel document={document} onChange={change} isNew={isNew} mayEdit={mayEdit} problems={findings.problems} />
        ) : (
          <NodePanel
            {...{ document, node, mayEdit }}
            problems={findings.problems.filter((problem) => nodeOfProblem(problem, document) === node.id)}
            handlers={(handlers?.items ?? []).map(({ name }) => name)}
            jobs={(jobs?.items ?? []).map(({ name }) => name)}
            onChange={(next, mark) => change(replaceNode(document, node.id, next), `${node.id} ${mark}`)}
            onRename={(to) => rename(node.id, to)}
            onConnect={(from, to) => change(connect(document, from, to))}
            onDisconnect={(from, to) => change(disconnect(document, from, to))}
            onDuplicate={() => {
              const copied = duplicateNodes(document, [node.id])
              change(copied.document)
              select(copied.ids[0])
            }}
            onRemove={() => remove(node.id)}
          />
        )}
      </div>
    </div>
  )
}
