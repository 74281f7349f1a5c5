import type { ReactNode } from 'react'
import { isObject } from '../forms/exact-json.ts'
import { JsonEditor } from '../forms/json-editor.tsx'
import { useMessages } from '../language/language-context.tsx'
import { Button } from '../parts/button.tsx'
import { Field, Select, TextArea, TextInput } from '../parts/field.tsx'
import { DurationInput } from '../schedule/schedule-editor.tsx'
import { type Branch, branchesOf, type EditedNode, kindOfNode, memberOf, namesOf, withBranches } from './document.ts'
import { withMember } from './edit.ts'
import styles from './editor.module.css'

export interface KindFieldsProps {
  readonly node: EditedNode
  readonly handlers: readonly string[]
  readonly jobs: readonly string[]
  readonly byMember: ReadonlyMap<string, string>
  readonly onChange: (node: EditedNode, mark: string) => void
}

/** The fields of each kind of node. */
export function KindFields(props: KindFieldsProps): ReactNode {
  switch (kindOfNode(props.node)) {
    case 'handler':
      return (
        <>
          <NameField {...props} member="handler" choices={props.handlers} />
          <ExpressionField {...props} member="payload" />
        </>
      )
    case 'foreach':
      return (
        <>
          <ExpressionField {...props} member="foreach" />
          <NameField {...props} member="handler" choices={props.handlers} />
          <ExpressionField {...props} member="payload" />
        </>
      )
    case 'job':
      return (
        <>
          <NameField {...props} member="job" choices={props.jobs} />
          <ExpressionField {...props} member="payload" />
        </>
      )
    case 'decision':
      return <Branches {...props} />
    case 'wait':
      return <WaitFields {...props} />
    case 'publish':
      return <PublishFields {...props} />
    case 'http':
      return <HttpFields {...props} />
    default:
      return null
  }
}

const wrong = (byMember: ReadonlyMap<string, string>, member: string) => {
  const problem = byMember.get(member)
  return problem === undefined ? {} : { problem }
}
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

function NameField({
  node,
  onChange,
  byMember,
  member,
  choices,
}: KindFieldsProps & { readonly member: 'handler' | 'job'; readonly choices: readonly string[] }): ReactNode {
  const { workflow: texts } = useMessages()
  return (
    <Field label={texts.members[member]} {...wrong(byMember, member)}>
      <TextInput
        list={`names-${member}`}
        value={textOf(node[member])}
        onChange={(event) => onChange(withMember(node, member, event.currentTarget.value), member)}
      />
      <datalist id={`names-${member}`}>
        {choices.map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
    </Field>
  )
}

function ExpressionField({ node, onChange, byMember, member }: KindFieldsProps & { readonly member: 'payload' | 'foreach' }): ReactNode {
  const { workflow: texts } = useMessages()
  const change = (text: string) => onChange(withMember(node, member, text === '' && member === 'payload' ? undefined : text), member)
  return (
    <Field label={texts.members[member]} hint={texts.expressionHint} {...wrong(byMember, member)}>
      <TextArea rows={2} value={textOf(node[member])} onChange={(event) => change(event.currentTarget.value)} />
    </Field>
  )
}

/** Conditions of a decision, in the order in which they are read. Where they lead is drawn. */
function Branches({ node, onChange, byMember }: KindFieldsProps): ReactNode {
  const { workflow: texts } = useMessages()
  const branches = branchesOf(node)
  const set = (place: number, change: Partial<Branch>) =>
    onChange(
      withBranches(
        node,
        branches.map((branch, i) => (i === place ? { ...branch, ...change } : branch)),
      ),
      `branch-${place}`,
    )
  const hasDefault = branches.some(({ when }) => when === undefined)
  // The default stays last: it is read last.
  const add = (when: string | undefined) => {
    const conditions = [...branches.filter((branch) => branch.when !== undefined), ...(when === undefined ? [] : [{ when, to: [] }])]
    const defaults = when === undefined ? [{ when, to: [] }] : branches.filter((branch) => branch.when === undefined)
    onChange(withBranches(node, [...conditions, ...defaults]), 'branch')
  }
  return (
    <div className={styles['ways']}>
      <span className={styles['label']}>{texts.branches}</span>
      {branches.map(({ when, to }, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a branch is known by its place.
        <div key={i} className={styles['branch']}>
          {when === undefined ? (
            <p>{texts.otherwise}</p>
          ) : (
            <Field label={texts.condition(i + 1)} {...wrong(byMember, `decision.${i}.when`)}>
              <TextInput value={when} onChange={(event) => set(i, { when: event.currentTarget.value })} />
            </Field>
          )}
          <Button
            look="quiet"
            size="small"
            aria-label={texts.removeBranch(i + 1)}
            onClick={() =>
              onChange(
                withBranches(
                  node,
                  branches.filter((_, place) => place !== i),
                ),
                'branch',
              )
            }
          >
            ×
          </Button>
          <p className={styles['muted']}>{to.length === 0 ? texts.leadsNowhere : texts.leadsTo(to.join(', '))}</p>
        </div>
      ))}
      <div className={styles['buttons']}>
        <Button size="small" onClick={() => add('true')}>
          {texts.addCondition}
        </Button>
        {!hasDefault && (
          <Button size="small" onClick={() => add(undefined)}>
            {texts.addDefault}
          </Button>
        )}
      </div>
    </div>
  )
}

const WAITS = ['durationMs', 'until', 'signal', 'approval'] as const
const FRESH_WAITS = {
  durationMs: { durationMs: 60_000 },
  until: { until: '' },
  signal: { signal: '' },
  approval: { approval: {} },
} as const

function WaitFields({ node, onChange, byMember }: KindFieldsProps): ReactNode {
  const { workflow: texts } = useMessages()
  const wait = (node['wait'] ?? {}) as Readonly<Record<string, unknown>>
  const kind = WAITS.find((name) => name in wait) ?? 'durationMs'
  const set = (member: string, value: unknown) => onChange(withMember(node, 'wait', { ...wait, [member]: value }), `wait-${member}`)
  const approval = (wait['approval'] ?? {}) as Readonly<Record<string, unknown>>
  return (
    <>
      <Field label={texts.waitsFor}>
        <Select
          value={kind}
          options={WAITS.map((value) => ({ value, label: texts.waits[value] }))}
          onChange={(event) =>
            onChange(withMember(node, 'wait', FRESH_WAITS[event.currentTarget.value as keyof typeof FRESH_WAITS]), 'wait')
          }
        />
      </Field>
      {kind === 'durationMs' && (
        <Field label={texts.waits.durationMs} {...wrong(byMember, 'wait.durationMs')}>
          <DurationInput value={wait['durationMs']} onChange={(value) => set('durationMs', value ?? '')} />
        </Field>
      )}
      {(kind === 'until' || kind === 'signal') && (
        <Field label={texts.waits[kind]} {...wrong(byMember, `wait.${kind}`)}>
          <TextInput
            value={textOf(wait[kind])}
            placeholder={kind === 'until' ? '2030-01-31T09:00:00Z' : ''}
            onChange={(event) => set(kind, event.currentTarget.value)}
          />
        </Field>
      )}
      {kind === 'approval' && (
        <Field label={texts.approvers} hint={texts.approversHint} {...wrong(byMember, 'wait.approval.by')}>
          <TextInput
            defaultValue={namesOf(approval['by']).join(', ')}
            onBlur={(event) => {
              const by = event.currentTarget.value
                .split(',')
                .map((name) => name.trim())
                .filter((name) => name !== '')
              set(
                'approval',
                Object.fromEntries([
                  ...Object.entries(approval).filter(([name]) => name !== 'by'),
                  ...(by.length === 0 ? [] : [['by', by]]),
                ]),
              )
            }}
          />
        </Field>
      )}
    </>
  )
}

function PublishFields({ node, onChange, byMember }: KindFieldsProps): ReactNode {
  const { workflow: texts } = useMessages()
  const publish = (node['publish'] ?? {}) as Readonly<Record<string, unknown>>
  const set = (member: string, value: string) => {
    const rest = Object.entries(publish).filter(([name]) => name !== member)
    onChange(
      withMember(node, 'publish', Object.fromEntries([...rest, ...(value === '' && member === 'body' ? [] : [[member, value]])])),
      `publish-${member}`,
    )
  }
  return (
    <>
      <Field label={texts.members.subject} {...wrong(byMember, 'publish.subject')}>
        <TextInput value={textOf(publish['subject'])} onChange={(event) => set('subject', event.currentTarget.value)} />
      </Field>
      <Field label={texts.members.body} hint={texts.expressionHint} {...wrong(byMember, 'publish.body')}>
        <TextArea rows={2} value={textOf(publish['body'])} onChange={(event) => set('body', event.currentTarget.value)} />
      </Field>
    </>
  )
}

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD'] as const

function HttpFields({ node, onChange, byMember }: KindFieldsProps): ReactNode {
  const { workflow: texts } = useMessages()
  const http = (node['http'] ?? {}) as Readonly<Record<string, unknown>>
  const set = (member: string, value: unknown) => onChange(withMember(node, 'http', { ...http, [member]: value }), `http-${member}`)
  const rest = Object.fromEntries(Object.entries(http).filter(([name]) => name !== 'url' && name !== 'method'))
  return (
    <>
      <Field label={texts.members.method}>
        <Select
          value={String(memberOf(http, 'method') ?? 'GET')}
          options={METHODS.map((value) => ({ value, label: value }))}
          onChange={(event) => set('method', event.currentTarget.value)}
        />
      </Field>
      <Field label={texts.members.url} {...wrong(byMember, 'http.url')}>
        <TextInput value={textOf(http['url'])} onChange={(event) => set('url', event.currentTarget.value)} />
      </Field>
      <JsonEditor
        label={texts.members.request}
        hint={texts.requestHint}
        rows={4}
        value={rest}
        onChange={(next) => {
          if (!isObject(next)) return
          const kept = Object.entries(http).filter(([name]) => name === 'url' || name === 'method')
          onChange(withMember(node, 'http', Object.fromEntries([...kept, ...Object.entries(next)])), 'http-rest')
        }}
      />
    </>
  )
}
