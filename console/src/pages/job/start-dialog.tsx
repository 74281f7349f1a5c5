import type { JobView } from '@carillon/contracts'
import { useMutation } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { type ReactNode, useState } from 'react'
import { makeCall } from '../../api/call.ts'
import { makeExactCall } from '../../api/exact-call.ts'
import { useCall } from '../../api/use-call.ts'
import { formOf } from '../../forms/form-field.ts'
import { initialValue, problemsOf } from '../../forms/form-value.ts'
import { PayloadEditor } from '../../forms/payload-editor.tsx'
import { useMessages } from '../../language/language-context.tsx'
import { Button } from '../../parts/button.tsx'
import { Dialog, DialogActions } from '../../parts/dialog.tsx'
import { Field, Select, TextInput } from '../../parts/field.tsx'
import { LoadingState, ProblemNote } from '../../parts/states.tsx'
import { DurationInput } from '../../schedule/schedule-editor.tsx'
import { formatRelative } from '../../time/format.ts'
import { useNow } from '../../time/ticker.ts'
import { pagePath } from '../../url/page-path.ts'
import { useNamespace } from '../../url/use-namespace.ts'
import layout from '../layout.module.css'
import { fieldProblems } from './use-save-job.ts'

export interface StartDialogProps {
  readonly job: JobView
  readonly onClose: () => void
  /** Default: its page is opened. */
  readonly onStarted?: (runId: string) => void
}

/** Starts a run, with a form made from the schema of its handler. */
export function StartDialog({ job, onClose, onStarted }: StartDialogProps): ReactNode {
  const { job: texts } = useMessages()
  const { data, error } = useCall('handlersList', { handler: job.handler })
  const schemas = job.workflow === undefined ? (data?.items[0]?.schemas ?? []) : []
  const isKnown = data !== undefined || error !== null || job.workflow !== undefined
  return (
    <Dialog isOpen onClose={onClose} title={texts.startTitle(job.name)} isWide>
      {isKnown ? (
        <StartForm job={job} schemas={schemas} onClose={onClose} {...(onStarted === undefined ? {} : { onStarted })} />
      ) : (
        <LoadingState />
      )}
    </Dialog>
  )
}

interface StartFormProps extends StartDialogProps {
  readonly schemas: Parameters<typeof PayloadEditor>[0]['schemas']
}

function StartForm({ job, schemas, onClose, onStarted }: StartFormProps): ReactNode {
  const { job: texts, parts } = useMessages()
  const namespace = useNamespace()
  const navigate = useNavigate()
  const [payload, setPayload] = useState<unknown>(() => {
    if (job.payload !== undefined && job.payload !== null) return job.payload
    return schemas[0] === undefined ? undefined : initialValue(formOf(schemas[0].inputSchema))
  })
  const [options, setOptions] = useState<Readonly<Record<string, unknown>>>({})
  const [isChecked, setChecked] = useState(false)
  const start = useMutation({
    mutationFn: () => makeExactCall('jobsRun', { job: job.name, ...(payload === undefined ? {} : { payload }), ...options }, { namespace }),
    onSuccess: ({ runId }) => {
      if (onStarted === undefined) return navigate({ to: pagePath(namespace, `runs/${runId}`) })
      onClose()
      onStarted(runId)
      return undefined
    },
  })
  const isRight = schemas.length !== 1 || schemas[0] === undefined || problemsOf(formOf(schemas[0].inputSchema), payload).length === 0
  const set = (name: string, value: unknown) =>
    setOptions(
      Object.fromEntries([...Object.entries(options).filter(([field]) => field !== name), ...(value === undefined ? [] : [[name, value]])]),
    )
  const found = fieldProblems(start.error)
  const of = (name: string) => {
    const problem = found.find(({ field }) => field === name)
    return problem === undefined ? {} : { problem: `${problem.detail}. ${problem.hint}` }
  }
  return (
    <form
      className={layout['stack']}
      onSubmit={(event) => {
        event.preventDefault()
        setChecked(true)
        if (isRight) start.mutate()
      }}
    >
      <LikeRun job={job.name} onChoose={setPayload} />
      <PayloadEditor schemas={schemas} value={payload} onChange={setPayload} found={found} isChecked={isChecked} />
      <div className={layout['fields']}>
        <Field label={texts.key} hint={texts.keyHint} {...of('key')}>
          <TextInput value={String(options['key'] ?? '')} onChange={(event) => set('key', event.currentTarget.value || undefined)} />
        </Field>
        <Field label={texts.delay} {...of('delayMs')}>
          <DurationInput value={options['delayMs']} onChange={(value) => set('delayMs', value)} />
        </Field>
        <Field label={texts.fields.priority} {...of('priority')}>
          <Select
            value={String(options['priority'] ?? '')}
            options={[
              { value: '', label: texts.ofJob },
              ...(['high', 'normal', 'low'] as const).map((value) => ({ value, label: texts.choices[value] })),
            ]}
            onChange={(event) => set('priority', event.currentTarget.value || undefined)}
          />
        </Field>
      </div>
      {start.error !== null && <ProblemNote error={start.error} />}
      <DialogActions>
        <Button onClick={onClose}>{parts.cancel}</Button>
        <Button look="main" type="submit" disabled={start.isPending}>
          {texts.start}
        </Button>
      </DialogActions>
    </form>
  )
}

/** Fills the form with the payload of an earlier run. */
function LikeRun({ job, onChoose }: { readonly job: string; readonly onChoose: (payload: unknown) => void }): ReactNode {
  const { job: texts, parts } = useMessages()
  const namespace = useNamespace()
  const now = useNow()
  const { data } = useCall('runsList', { job, limit: 10 })
  const read = useMutation({
    mutationFn: (runId: string) => makeCall('runsGet', { runId }, { namespace }),
    onSuccess: (run) => onChoose(run.payload),
  })
  if (data === undefined || data.items.length === 0) return null
  return (
    <Field label={texts.likeRun} {...(read.error === null ? {} : { problem: read.error.message })}>
      <Select
        value={read.variables ?? ''}
        options={[
          { value: '', label: '–' },
          ...data.items.map(({ runId, state, createdAt }) => ({
            value: runId,
            label: `${parts.states[state]} · ${formatRelative(Date.parse(createdAt), now, document.documentElement.lang)} · ${runId}`,
          })),
        ]}
        onChange={(event) => event.currentTarget.value !== '' && read.mutate(event.currentTarget.value)}
      />
    </Field>
  )
}
