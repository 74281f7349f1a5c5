import { ALERT_SCENES, type AlertRuleInput, type AlertRuleView, SCENE_TRAITS } from '@carillon/contracts'
import { type ReactNode, useState } from 'react'
import { useAction, useCall } from '../../api/use-call.ts'
import { isExactNumber } from '../../forms/exact-json.ts'
import { NumberInput } from '../../forms/number-input.tsx'
import { useMessages } from '../../language/language-context.tsx'
import { Button, RoleButton } from '../../parts/button.tsx'
import { DialogActions } from '../../parts/dialog.tsx'
import { Field, Select, TextInput } from '../../parts/field.tsx'
import { ProblemNote } from '../../parts/states.tsx'
import { DurationInput } from '../../schedule/schedule-editor.tsx'
import { viewerZone } from '../../time/format.ts'
import { problemsByField } from '../job/use-save-job.ts'
import layout from '../layout.module.css'
import { type RuleDraft, ruleDraftOf, typedPatterns, withScene } from './rule-draft.ts'

export interface RuleFormProps {
  /** Undefined: a new one. */
  readonly rule: AlertRuleView | undefined
  readonly onClose: () => void
}

interface FieldsProps {
  readonly draft: RuleDraft
  readonly set: (name: string, value: unknown) => void
  readonly problems: ReadonlyMap<string, string>
}

const wrong = (problems: ReadonlyMap<string, string>, field: string) => {
  const problem = [...problems].find(([name]) => name === field || name.startsWith(`${field}.`))?.[1]
  return problem === undefined ? {} : { problem }
}

export function RuleForm({ rule, onClose }: RuleFormProps): ReactNode {
  const { alerts: texts, parts } = useMessages()
  const [draft, setDraft] = useState<RuleDraft>(() =>
    rule === undefined ? { name: '', scene: 'run-failed', channels: [] } : ruleDraftOf(rule),
  )
  const put = useAction('alertRulesPut', ['alertRulesList'])
  const problems = problemsByField(put.error)
  const set = (name: string, value: unknown) => {
    const { [name]: _, ...rest } = draft
    setDraft((value === undefined ? rest : { ...draft, [name]: value }) as RuleDraft)
  }
  return (
    <form
      className={layout['stack']}
      onSubmit={(event) => {
        event.preventDefault()
        put.mutate(draft as AlertRuleInput, { onSuccess: onClose })
      }}
    >
      <div className={layout['fields']}>
        {rule === undefined && (
          <Field label={texts.name} {...wrong(problems, 'name')}>
            <TextInput value={draft.name} onChange={(event) => set('name', event.currentTarget.value)} />
          </Field>
        )}
        <Field label={texts.scene} {...wrong(problems, 'scene')}>
          <Select
            value={draft.scene}
            options={ALERT_SCENES.map((value) => ({ value, label: texts.scenes[value] }))}
            onChange={(event) => {
              const scene = event.currentTarget.value as RuleDraft['scene']
              setDraft(withScene(draft, scene, SCENE_TRAITS[scene]))
            }}
          />
        </Field>
        <SceneFields {...{ draft, set, problems }} />
        <Field label={texts.remindEvery} {...wrong(problems, 'remindEveryMs')}>
          <DurationInput value={draft['remindEveryMs']} onChange={(value) => set('remindEveryMs', value)} />
        </Field>
      </div>
      <Channels {...{ draft, set, problems }} />
      <Quiet {...{ draft, set, problems }} />
      <label className={layout['tick']}>
        <input
          type="checkbox"
          className={layout['check']}
          checked={draft['enabled'] !== false}
          onChange={(event) => set('enabled', event.currentTarget.checked)}
        />
        {texts.on}
      </label>
      {put.error !== null && <ProblemNote error={put.error} />}
      <DialogActions>
        <Button onClick={onClose}>{parts.cancel}</Button>
        <RoleButton role="developer" look="main" type="submit" disabled={put.isPending}>
          {parts.save}
        </RoleButton>
      </DialogActions>
    </form>
  )
}

/** Only the fields that mean something in the scene. */
function SceneFields({ draft, set, problems }: FieldsProps): ReactNode {
  const { alerts: texts } = useMessages()
  const { filters, isCounted, recoverAfterMs } = SCENE_TRAITS[draft.scene]
  const threshold = draft['threshold']
  return (
    <>
      {filters.map((name) => (
        <Field key={name} label={texts.filters[name]} hint={texts.patternHint} {...wrong(problems, name)}>
          <TextInput
            defaultValue={((draft[name] ?? []) as readonly string[]).join(', ')}
            onChange={(event) => set(name, typedPatterns(event.currentTarget.value))}
          />
        </Field>
      ))}
      {isCounted && (
        <Field label={texts.threshold} {...wrong(problems, 'threshold')}>
          <NumberInput
            value={isExactNumber(threshold) || typeof threshold === 'string' ? threshold : undefined}
            onChange={(value) => set('threshold', value)}
          />
        </Field>
      )}
      {isCounted && draft.scene !== 'failures-in-row' && Number(threshold ?? 1) > 1 && (
        <Field label={texts.window} {...wrong(problems, 'windowMs')}>
          <DurationInput value={draft['windowMs']} onChange={(value) => set('windowMs', value)} />
        </Field>
      )}
      {!isCounted && (
        <Field label={texts.grace} {...wrong(problems, 'graceMs')}>
          <DurationInput value={draft['graceMs']} onChange={(value) => set('graceMs', value)} />
        </Field>
      )}
      {recoverAfterMs !== undefined && (
        <Field label={texts.recoverAfter} {...wrong(problems, 'recoverAfterMs')}>
          <DurationInput value={draft['recoverAfterMs']} onChange={(value) => set('recoverAfterMs', value)} />
        </Field>
      )}
    </>
  )
}

function Channels({ draft, set }: FieldsProps): ReactNode {
  const { alerts: texts } = useMessages()
  const { data } = useCall('alertChannelsList', { limit: 100 })
  const chosen = (draft['channels'] ?? []) as readonly string[]
  const names = [...new Set([...(data?.items ?? []).map(({ name }) => name), ...chosen])]
  return (
    <fieldset className={layout['group']}>
      <legend>{texts.channels}</legend>
      {names.length === 0 && <p className={layout['small']}>{texts.noChannels}</p>}
      {names.map((name) => (
        <label key={name} className={layout['tick']}>
          <input
            type="checkbox"
            className={layout['check']}
            checked={chosen.includes(name)}
            onChange={(event) => set('channels', event.currentTarget.checked ? [...chosen, name] : chosen.filter((one) => one !== name))}
          />
          {name}
        </label>
      ))}
    </fieldset>
  )
}

function Quiet({ draft, set, problems }: FieldsProps): ReactNode {
  const { alerts: texts } = useMessages()
  const quiet = draft['quietHours'] as { readonly from: string; readonly to: string; readonly timezone?: string } | undefined
  return (
    <fieldset className={layout['group']}>
      <legend>{texts.quiet}</legend>
      <label className={layout['tick']}>
        <input
          type="checkbox"
          className={layout['check']}
          checked={quiet !== undefined}
          onChange={(event) =>
            set('quietHours', event.currentTarget.checked ? { from: '22:00', to: '07:00', timezone: viewerZone() } : undefined)
          }
        />
        {texts.quietText}
      </label>
      {quiet !== undefined && (
        <div className={layout['fields']}>
          {(['from', 'to', 'timezone'] as const).map((name) => (
            <Field key={name} label={texts.quietFields[name]} {...wrong(problems, `quietHours.${name}`)}>
              <TextInput
                value={quiet[name] ?? ''}
                onChange={(event) => set('quietHours', { ...quiet, [name]: event.currentTarget.value })}
              />
            </Field>
          ))}
        </div>
      )}
    </fieldset>
  )
}
