import type { ErrorProblem } from '@carillon/contracts'
import type { ReactNode } from 'react'
import { isObject } from '../../forms/exact-json.ts'
import { JsonEditor } from '../../forms/json-editor.tsx'
import { useMessages } from '../../language/language-context.tsx'
import { Field, TextArea, TextInput } from '../../parts/field.tsx'
import type { WorkflowDocument } from '../../workflow/document.ts'
import { withGraphOption, withJobOption } from '../../workflow/edit.ts'
import styles from '../../workflow/editor.module.css'

export interface GraphPanelProps {
  readonly document: WorkflowDocument
  readonly onChange: (document: WorkflowDocument, mark?: string) => void
  readonly isNew: boolean
  readonly mayEdit: boolean
  readonly problems: readonly ErrorProblem[]
}

/** What concerns the whole: shown while no node is selected. */
export function GraphPanel({ document, onChange, isNew, mayEdit, problems }: GraphPanelProps): ReactNode {
  const { workflow: texts, job } = useMessages()
  const { job: options, workflow } = document
  const { name, description, ...rest } = options
  const wrong = (field: string) => {
    const found = problems.find((problem) => problem.field === field)
    return found === undefined ? {} : { problem: `${found.problem}. ${found.hint}` }
  }
  return (
    <fieldset className={styles['panel']} disabled={!mayEdit} aria-label={texts.whole}>
      <h2>{texts.whole}</h2>
      {isNew && (
        <Field label={job.fields.name} {...wrong('name')}>
          <TextInput value={name} onChange={(event) => onChange(withJobOption(document, 'name', event.currentTarget.value), 'name')} />
        </Field>
      )}
      <Field label={job.fields.description}>
        <TextArea
          rows={2}
          value={typeof description === 'string' ? description : ''}
          onChange={(event) => onChange(withJobOption(document, 'description', event.currentTarget.value || undefined), 'description')}
        />
      </Field>
      <label className={styles['tick']}>
        <input
          type="checkbox"
          checked={workflow.failFast === true}
          onChange={(event) => onChange(withGraphOption(document, 'failFast', event.currentTarget.checked || undefined))}
        />
        {texts.failFast}
      </label>
      <Field label={texts.output} hint={texts.outputHint} {...wrong('workflow.output')}>
        <TextArea
          rows={2}
          value={typeof workflow.output === 'string' ? workflow.output : ''}
          onChange={(event) => onChange(withGraphOption(document, 'output', event.currentTarget.value || undefined), 'output')}
        />
      </Field>
      <JsonEditor
        label={texts.jobOptions}
        hint={texts.jobOptionsHint}
        value={rest}
        onChange={(next) => {
          if (next !== undefined && !isObject(next)) return
          const own = { name, ...(description === undefined ? {} : { description }) }
          onChange({ ...document, job: { ...next, ...own } }, 'options')
        }}
      />
      <p className={styles['muted']}>{texts.help}</p>
    </fieldset>
  )
}
