import type { Schedule } from '@carillon/contracts'
import { type ReactNode, useState } from 'react'
import { useMessages } from '../language/language-context.tsx'
import { Field, Select, TextArea, TextInput } from '../parts/field.tsx'
import { viewerZone } from '../time/format.ts'
import { kindOfSchedule, SCHEDULE_KINDS, type ScheduleKind, withField, withKind, zoneChoices, zoneOf } from './draft.ts'
import { durationText, typedDuration } from './durations.ts'
import styles from './schedule.module.css'
import { ScheduleText } from './schedule-text.tsx'

export interface ScheduleEditorProps {
  readonly schedule: Schedule | undefined
  readonly onChange: (schedule: Schedule | undefined) => void
  /** What is wrong, by field such as `schedule.cron`. */
  readonly problems: ReadonlyMap<string, string>
  /** Names of calendars that there are. */
  readonly calendars: readonly string[]
}

/** When a job fires. Fields that this editor does not know, and the zone as it is stored, stay. */
export function ScheduleEditor(props: ScheduleEditorProps): ReactNode {
  const { schedule, onChange } = props
  const { schedule: texts } = useMessages()
  const kind = kindOfSchedule(schedule)
  return (
    <div className={styles['editor']}>
      <Field label={texts.kind}>
        <Select
          value={kind}
          options={SCHEDULE_KINDS.map((value) => ({ value, label: texts.kinds[value] }))}
          onChange={(event) => onChange(withKind(schedule, event.currentTarget.value as ScheduleKind, { timezone: viewerZone() }))}
        />
      </Field>
      {schedule !== undefined && <KindFields {...props} schedule={schedule} />}
      {schedule !== undefined && kind !== 'at' && <SharedFields {...props} schedule={schedule} />}
    </div>
  )
}

type Fields = ScheduleEditorProps & { readonly schedule: Schedule }

/** What a field needs of the problems. */
const wrong = (problems: ReadonlyMap<string, string>, field: string) => {
  const problem = problems.get(`schedule.${field}`) ?? (field === 'cron' ? problems.get('schedule') : undefined)
  return problem === undefined ? {} : { problem }
}

function KindFields({ schedule, onChange, problems }: Fields): ReactNode {
  const { schedule: texts } = useMessages()
  if ('cron' in schedule)
    return (
      <Field label={texts.expression} hint={<ScheduleText schedule={schedule} />} {...wrong(problems, 'cron')}>
        <TextInput
          value={schedule.cron}
          spellCheck={false}
          onChange={(event) => onChange(withField(schedule, 'cron', event.currentTarget.value))}
        />
      </Field>
    )
  if ('everyMs' in schedule)
    return (
      <>
        <DurationField label={texts.every} name="everyMs" {...{ schedule, onChange, problems }} />
        <Field label={texts.anchor} hint={texts.anchorHint} {...wrong(problems, 'anchor')}>
          <TextInput
            value={schedule.anchor ?? ''}
            onChange={(event) => onChange(withField(schedule, 'anchor', event.currentTarget.value || undefined))}
          />
        </Field>
      </>
    )
  if ('afterMs' in schedule) return <DurationField label={texts.after} name="afterMs" {...{ schedule, onChange, problems }} />
  const times = 'at' in schedule ? (Array.isArray(schedule.at) ? schedule.at : [schedule.at]) : []
  return (
    <Field label={texts.at} hint={texts.atHint} {...wrong(problems, 'at')}>
      <TextArea
        rows={4}
        value={times.join('\n')}
        onChange={(event) => {
          const lines = event.currentTarget.value.split('\n')
          onChange(withField(schedule, 'at', lines.length > 1 ? lines : lines[0]))
        }}
      />
    </Field>
  )
}

function SharedFields({ schedule, onChange, problems, calendars }: Fields): ReactNode {
  const { schedule: texts } = useMessages()
  const [stored] = useState(() => zoneOf(schedule))
  const zones = zoneChoices(Intl.supportedValuesOf('timeZone'), zoneOf(schedule), stored, viewerZone())
  const bounds = schedule as { readonly startAt?: string; readonly endAt?: string }
  return (
    <>
      <Field label={texts.zone} {...wrong(problems, 'timezone')}>
        <Select
          value={zoneOf(schedule) ?? ''}
          options={[
            ...(zoneOf(schedule) === undefined ? [{ value: '', label: texts.noZone }] : []),
            ...zones.map((zone) => ({ value: zone, label: zone })),
          ]}
          onChange={(event) => onChange(withField(schedule, 'timezone', event.currentTarget.value || undefined))}
        />
      </Field>
      <details className={styles['more']}>
        <summary>{texts.more}</summary>
        <div className={styles['editor']}>
          <DurationField label={texts.jitter} hint={texts.jitterHint} name="jitterMs" isOptional {...{ schedule, onChange, problems }} />
          <Field label={texts.start} hint={texts.boundHint} {...wrong(problems, 'startAt')}>
            <TextInput
              value={bounds.startAt ?? ''}
              onChange={(event) => onChange(withField(schedule, 'startAt', event.currentTarget.value || undefined))}
            />
          </Field>
          <Field label={texts.end} hint={texts.boundHint} {...wrong(problems, 'endAt')}>
            <TextInput
              value={bounds.endAt ?? ''}
              onChange={(event) => onChange(withField(schedule, 'endAt', event.currentTarget.value || undefined))}
            />
          </Field>
          {'cron' in schedule && <ClockChanges {...{ schedule, onChange, problems }} />}
          {!('afterMs' in schedule) && <CalendarUses {...{ schedule, onChange, problems, calendars }} />}
        </div>
      </details>
    </>
  )
}

type FieldProps = Pick<Fields, 'schedule' | 'onChange' | 'problems'>

function ClockChanges({ schedule, onChange, problems }: FieldProps): ReactNode {
  const { schedule: texts } = useMessages()
  const given = schedule as { readonly dstGap?: string; readonly dstOverlap?: string }
  return (
    <>
      <Field label={texts.gap} {...wrong(problems, 'dstGap')}>
        <Select
          value={given.dstGap ?? ''}
          options={(['', 'next', 'skip'] as const).map((value) => ({ value, label: texts.gaps[value || 'default'] }))}
          onChange={(event) => onChange(withField(schedule, 'dstGap', event.currentTarget.value || undefined))}
        />
      </Field>
      <Field label={texts.overlap} {...wrong(problems, 'dstOverlap')}>
        <Select
          value={given.dstOverlap ?? ''}
          options={(['', 'first', 'both'] as const).map((value) => ({ value, label: texts.overlaps[value || 'default'] }))}
          onChange={(event) => onChange(withField(schedule, 'dstOverlap', event.currentTarget.value || undefined))}
        />
      </Field>
    </>
  )
}

function CalendarUses({ schedule, onChange, calendars }: FieldProps & { readonly calendars: readonly string[] }): ReactNode {
  const { schedule: texts } = useMessages()
  const uses =
    (schedule as { readonly calendars?: readonly { readonly rule: 'skip' | 'only'; readonly calendar: string }[] }).calendars ?? []
  const names = [...new Set([...calendars, ...uses.map(({ calendar }) => calendar)])]
  const set = (calendar: string, rule: string) => {
    const others = uses.filter((use) => use.calendar !== calendar)
    const next = rule === '' ? others : [...others, { rule, calendar }]
    onChange(withField(schedule, 'calendars', next.length === 0 ? undefined : next))
  }
  if (names.length === 0) return <p className={styles['hint']}>{texts.noCalendars}</p>
  return (
    <>
      {names.map((name) => (
        <Field key={name} label={texts.calendar(name)}>
          <Select
            value={uses.find((use) => use.calendar === name)?.rule ?? ''}
            options={(['', 'skip', 'only'] as const).map((value) => ({ value, label: texts.calendarRules[value || 'none'] }))}
            onChange={(event) => set(name, event.currentTarget.value)}
          />
        </Field>
      ))}
    </>
  )
}

interface DurationFieldProps extends FieldProps {
  readonly label: string
  readonly hint?: string
  readonly name: 'everyMs' | 'afterMs' | 'jitterMs'
  readonly isOptional?: boolean
}

function DurationField({ label, hint, name, isOptional = false, schedule, onChange, problems }: DurationFieldProps): ReactNode {
  const { schedule: texts } = useMessages()
  return (
    <Field label={label} hint={hint ?? texts.durationHint} {...wrong(problems, name)}>
      <DurationInput
        value={(schedule as Readonly<Record<string, unknown>>)[name]}
        onChange={(value) => (value !== undefined || isOptional) && onChange(withField(schedule, name, value))}
      />
    </Field>
  )
}

/** Milliseconds, typed as a duration such as `1h30m`. What is none is handed on as text, for the service to refuse. */
export function DurationInput({ value, onChange }: { readonly value: unknown; readonly onChange: (value: unknown) => void }): ReactNode {
  const [typed, setTyped] = useState(() => textOf(value))
  const isOwn = typedValue(typed) === value
  return (
    <TextInput
      value={isOwn ? typed : textOf(value)}
      placeholder="10m"
      onChange={(event) => {
        setTyped(event.currentTarget.value)
        onChange(typedValue(event.currentTarget.value))
      }}
    />
  )
}

const textOf = (value: unknown) => (typeof value === 'number' ? durationText(value) : typeof value === 'string' ? value : '')
const typedValue = (text: string) => (text.trim() === '' ? undefined : (typedDuration(text) ?? text))
