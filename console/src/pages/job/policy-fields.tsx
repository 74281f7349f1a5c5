import type { ReactNode } from 'react'
import { useCall } from '../../api/use-call.ts'
import { isExactNumber } from '../../forms/exact-json.ts'
import { NumberInput } from '../../forms/number-input.tsx'
import { useMessages } from '../../language/language-context.tsx'
import { Field, Select, TextArea, TextInput } from '../../parts/field.tsx'
import { Section } from '../../parts/page.tsx'
import { DurationInput } from '../../schedule/schedule-editor.tsx'
import layout from '../layout.module.css'
import type { JobDraft } from './job-input.ts'

export interface PolicyFieldsProps {
  readonly draft: JobDraft
  readonly set: (field: string, value: unknown) => void
  readonly problems: ReadonlyMap<string, string>
  readonly isNew: boolean
}

const NUMBERS = ['attempts', 'maxConcurrent', 'pauseAfterFailures'] as const
const DURATIONS = ['timeoutMs', 'runTimeoutMs', 'deadlineMs', 'misfireAfterMs'] as const
const CHOICES = {
  priority: ['high', 'normal', 'low'],
  overlap: ['serial', 'discard', 'replace', 'recover', 'parallel'],
  misfire: ['once', 'skip', 'all'],
} as const

/** The rules that are changed most; the others are in the JSON. */
export function PolicyFields(props: PolicyFieldsProps): ReactNode {
  const { job: texts } = useMessages()
  const { draft, set, problems, isNew } = props
  const wrong = (field: string) => {
    const problem = problems.get(field)
    return problem === undefined ? {} : { problem }
  }
  return (
    <Section title={texts.policies}>
      <div className={layout['padded']}>
        <div className={layout['fields']}>
          {isNew && (
            <Field label={texts.fields.name} {...wrong('name')}>
              <TextInput value={draft.name} onChange={(event) => set('name', event.currentTarget.value)} />
            </Field>
          )}
          {draft['workflow'] === undefined && <HandlerField {...props} />}
          {NUMBERS.map((field) => (
            <Field key={field} label={texts.fields[field]} {...wrong(field)}>
              <NumberInput
                value={isExactNumber(draft[field]) || typeof draft[field] === 'string' ? draft[field] : undefined}
                onChange={(value) => set(field, value)}
              />
            </Field>
          ))}
          {DURATIONS.map((field) => (
            <Field key={field} label={texts.fields[field]} {...wrong(field)}>
              <DurationInput value={draft[field]} onChange={(value) => set(field, value)} />
            </Field>
          ))}
          {(Object.keys(CHOICES) as (keyof typeof CHOICES)[]).map((field) => (
            <Field key={field} label={texts.fields[field]} {...wrong(field)}>
              <Select
                value={typeof draft[field] === 'string' ? draft[field] : ''}
                options={[
                  { value: '', label: texts.byDefault },
                  ...CHOICES[field].map((value) => ({ value, label: texts.choices[value] })),
                ]}
                onChange={(event) => set(field, event.currentTarget.value || undefined)}
              />
            </Field>
          ))}
        </div>
        <Field label={texts.fields.description} {...wrong('description')}>
          <TextArea
            rows={2}
            value={String(draft['description'] ?? '')}
            onChange={(event) => set('description', event.currentTarget.value || undefined)}
          />
        </Field>
      </div>
    </Section>
  )
}

/** Offered handlers are proposed; any name may be typed, for its executor may come later. */
function HandlerField({ draft, set, problems }: PolicyFieldsProps): ReactNode {
  const { job: texts } = useMessages()
  const { data } = useCall('handlersList', { limit: 200 })
  const problem = problems.get('handler')
  return (
    <Field label={texts.fields.handler} {...(problem === undefined ? {} : { problem })}>
      <TextInput
        list="handlers"
        value={String(draft['handler'] ?? '')}
        onChange={(event) => set('handler', event.currentTarget.value || undefined)}
      />
      <datalist id="handlers">
        {(data?.items ?? []).map(({ name }) => (
          <option key={name} value={name} />
        ))}
      </datalist>
    </Field>
  )
}
