import type { JobView, Schedule } from '@carillon/contracts'
import { type ReactNode, useState } from 'react'
import { asProblem } from '../../api/problem.ts'
import { useAction, useCall } from '../../api/use-call.ts'
import { isObject, isSameJson, UnfinishedJson } from '../../forms/exact-json.ts'
import { JsonEditor } from '../../forms/json-editor.tsx'
import { useMessages } from '../../language/language-context.tsx'
import { Button, RoleButton } from '../../parts/button.tsx'
import { Section } from '../../parts/page.tsx'
import { ProblemNote } from '../../parts/states.tsx'
import { ScheduleEditor } from '../../schedule/schedule-editor.tsx'
import { SchedulePreview } from '../../schedule/schedule-preview.tsx'
import layout from '../layout.module.css'
import { draftOf, type JobDraft, withDraftField } from './job-input.ts'
import { PolicyFields } from './policy-fields.tsx'
import { problemsByField, useSaveJob } from './use-save-job.ts'

/** What the job is: its schedule, its rules, and all of it as JSON. */
export function DefinitionTab({ job }: { readonly job: JobView }): ReactNode {
  const { job: texts } = useMessages()
  const release = useAction('jobsRelease', ['jobsGet', 'jobsHistory'])
  // What was loaded stays what is edited: a change that someone else makes meanwhile takes nothing away that was typed.
  const [edited, setEdited] = useState(job)
  return (
    <>
      {job.edited === true && (
        <div className={layout['note']}>
          {texts.edited}{' '}
          <RoleButton size="small" role="developer" disabled={release.isPending} onClick={() => release.mutate({ name: job.name })}>
            {texts.release}
          </RoleButton>
        </div>
      )}
      {job.revision > edited.revision && (
        <div className={layout['note']} role="status">
          {texts.newer}{' '}
          <Button size="small" onClick={() => setEdited(job)}>
            {texts.loadNewer}
          </Button>
        </div>
      )}
      <JobEditor key={edited.revision} initial={draftOf(edited)} revision={edited.revision} onSaved={setEdited} />
    </>
  )
}

export interface JobEditorProps {
  readonly initial: JobDraft
  /** Of the stored job; undefined: it is a new one. */
  readonly revision: number | undefined
  readonly onSaved?: (job: JobView) => void
}

/** Edits a job. Nothing is lost of what this form has no field for: it is in the JSON below, and is sent back. */
export function JobEditor({ initial, revision, onSaved }: JobEditorProps): ReactNode {
  const { job: texts, schedule: scheduleTexts } = useMessages()
  const [draft, setDraft] = useState<JobDraft | UnfinishedJson>(initial)
  const { data: calendars } = useCall('calendarsList', { limit: 100 })
  const save = useSaveJob(revision)
  const problems = problemsByField(save.error)
  const isUnfinished = draft instanceof UnfinishedJson
  const set = (field: string, value: unknown) => !isUnfinished && setDraft(withDraftField(draft, field, value))
  const isChanged = !isSameJson(draft, initial)
  const schedule = isUnfinished ? undefined : (draft['schedule'] as Schedule | undefined)
  return (
    <>
      {/* What was typed while it is being saved would be replaced by what was saved. */}
      <fieldset className={layout['fields']} disabled={save.isPending}>
        {!isUnfinished && (
          <>
            <PolicyFields draft={draft} set={set} problems={problems} isNew={revision === undefined} />
            <Section title={scheduleTexts.title}>
              <div className={layout['padded']}>
                <ScheduleEditor
                  schedule={schedule}
                  onChange={(next) => set('schedule', next)}
                  problems={problems}
                  calendars={(calendars?.items ?? []).map(({ name }) => name)}
                />
                <SchedulePreview name={draft.name || 'new'} schedule={schedule} />
              </div>
            </Section>
          </>
        )}
        <Section title={texts.json}>
          <div className={layout['padded']}>
            <JsonEditor
              label={texts.json}
              hint={texts.jsonHint}
              rows={12}
              value={draft}
              onChange={(next) => {
                if (next instanceof UnfinishedJson) setDraft(next)
                else if (isObject(next)) setDraft({ name: '', ...next })
              }}
            />
          </div>
        </Section>
      </fieldset>
      {save.error !== null && <SaveProblem error={save.error} />}
      <div className={layout['end']} aria-live="polite">
        {isChanged && (
          <Button disabled={save.isPending} onClick={() => setDraft(initial)}>
            {texts.discard}
          </Button>
        )}
        <RoleButton
          role="developer"
          look="main"
          disabled={save.isPending || isUnfinished || (!isChanged && revision !== undefined)}
          onClick={() => !isUnfinished && save.mutate(draft, { onSuccess: (saved) => onSaved?.(saved) })}
        >
          {texts.save}
        </RoleButton>
      </div>
    </>
  )
}

/** What was refused; someone else's change in between is said in words. */
function SaveProblem({ error }: { readonly error: Error }): ReactNode {
  const { job: texts } = useMessages()
  const isStale = asProblem(error).status === 412
  return (
    <div className={layout['stack']}>
      {isStale && <p className={layout['note']}>{texts.changedMeanwhile}</p>}
      {!isStale && <ProblemNote error={error} />}
    </div>
  )
}
