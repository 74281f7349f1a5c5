import {
  type AlertChannelInput,
  type AlertChannelView,
  CHANNEL_KINDS,
  type ChannelKind,
  type MessageLanguage,
  SECRET_FIELDS,
} from '@carillon/contracts'
import { type ReactNode, useState } from 'react'
import { useAction } from '../../api/use-call.ts'
import { useLanguage, useMessages } from '../../language/language-context.tsx'
import { Button, RoleButton } from '../../parts/button.tsx'
import { DialogActions } from '../../parts/dialog.tsx'
import { Field, Select, TextInput } from '../../parts/field.tsx'
import { ProblemNote } from '../../parts/states.tsx'
import { problemsByField } from '../job/use-save-job.ts'
import layout from '../layout.module.css'

type Target = Readonly<Record<string, unknown>> & { readonly kind: ChannelKind }

/** The fields of each kind, in the order of the form. */
const FIELDS: Readonly<Record<ChannelKind, readonly string[]>> = {
  email: ['to', 'from', 'host', 'port', 'security', 'user', 'password'],
  webhook: ['url', 'secrets'],
  slack: ['url'],
  dingtalk: ['url', 'secret', 'keyword'],
  wecom: ['url'],
  feishu: ['url', 'secret', 'keyword'],
  nats: ['subject'],
}
const LISTS = ['to', 'secrets']

export interface ChannelFormProps {
  /** Undefined: a new one. */
  readonly channel: AlertChannelView | undefined
  readonly onClose: () => void
}

export function ChannelForm({ channel, onClose }: ChannelFormProps): ReactNode {
  const { language: shown, messages } = useLanguage()
  const { alerts: texts, parts } = messages
  const [name, setName] = useState(channel?.name ?? '')
  const [language, setLanguage] = useState<MessageLanguage>(channel?.language ?? (shown === 'zh-CN' ? 'zh-CN' : 'en'))
  const [enabled, setEnabled] = useState(channel?.enabled ?? true)
  const [target, setTarget] = useState<Target>((channel?.target as Target | undefined) ?? { kind: 'email' })
  const put = useAction('alertChannelsPut', ['alertChannelsList'])
  const problems = problemsByField(put.error)
  const wrong = (field: string) => {
    const problem = [...problems].find(([path]) => path === field || path.startsWith(`${field}.`))?.[1]
    return problem === undefined ? {} : { problem }
  }
  const save = () =>
    put.mutate(
      {
        name,
        language,
        enabled,
        target,
        ...(channel?.description === undefined ? {} : { description: channel.description }),
      } as AlertChannelInput,
      { onSuccess: onClose },
    )
  return (
    <form
      className={layout['stack']}
      onSubmit={(event) => {
        event.preventDefault()
        save()
      }}
    >
      <div className={layout['fields']}>
        {channel === undefined && (
          <Field label={texts.name} {...wrong('name')}>
            <TextInput value={name} onChange={(event) => setName(event.currentTarget.value)} />
          </Field>
        )}
        <Field label={texts.kind}>
          <Select
            value={target.kind}
            options={CHANNEL_KINDS.map((value) => ({ value, label: texts.kinds[value] }))}
            onChange={(event) => setTarget({ kind: event.currentTarget.value as ChannelKind })}
          />
        </Field>
        {FIELDS[target.kind].map((field) => (
          <TargetField
            key={`${target.kind} ${field}`}
            {...{ field, target, setTarget }}
            isKept={channel?.secrets.includes(field) === true && channel.target.kind === target.kind}
            problem={wrong(`target.${field}`).problem}
          />
        ))}
        <Field label={texts.language}>
          <Select
            value={language}
            options={[
              { value: 'en', label: 'English' },
              { value: 'zh-CN', label: '中文' },
            ]}
            onChange={(event) => setLanguage(event.currentTarget.value as MessageLanguage)}
          />
        </Field>
      </div>
      <label className={layout['tick']}>
        <input
          type="checkbox"
          className={layout['check']}
          checked={enabled}
          onChange={(event) => setEnabled(event.currentTarget.checked)}
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

interface TargetFieldProps {
  readonly field: string
  readonly target: Target
  readonly setTarget: (target: Target) => void
  /** A secret that is stored: left empty it stays. */
  readonly isKept: boolean
  readonly problem: string | undefined
}

function TargetField({ field, target, setTarget, isKept, problem }: TargetFieldProps): ReactNode {
  const { alerts: texts } = useMessages()
  const isSecret = SECRET_FIELDS[target.kind].includes(field)
  const set = (value: unknown) => {
    const { [field]: _, ...rest } = target
    setTarget((value === undefined ? rest : { ...target, [field]: value }) as Target)
  }
  const label = texts.targetFields[field as keyof typeof texts.targetFields]
  const hint = isKept ? texts.keptSecret : LISTS.includes(field) ? texts.listHint : undefined
  const value = target[field]
  const change = (text: string) => {
    if (text === '') return set(undefined)
    if (field === 'port') return set(/^\d+$/.test(text) ? Number(text) : text)
    return set(LISTS.includes(field) ? text.split(/[\s,]+/).filter((part) => part !== '') : text)
  }
  if (field === 'security')
    return (
      <Field label={label} {...(problem === undefined ? {} : { problem })}>
        <Select
          value={String(value ?? 'starttls')}
          options={['starttls', 'tls', 'none'].map((one) => ({ value: one, label: one }))}
          onChange={(event) => set(event.currentTarget.value)}
        />
      </Field>
    )
  return (
    <Field label={label} hint={hint} {...(problem === undefined ? {} : { problem })}>
      <TextInput
        type={isSecret && field !== 'url' ? 'password' : 'text'}
        autoComplete="off"
        defaultValue={Array.isArray(value) ? value.join(', ') : value === undefined ? '' : String(value)}
        onChange={(event) => change(event.currentTarget.value.trim())}
      />
    </Field>
  )
}
