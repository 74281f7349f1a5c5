import type { ReactNode } from 'react'
import { useMessages } from '../language/language-context.tsx'
import { Button } from '../parts/button.tsx'
import { Field, Select, TextArea, TextInput } from '../parts/field.tsx'
import { isExactNumber, isObject, isSameJson, writeExactly } from './exact-json.ts'
import type { FormField, ListField, ObjectField, VariantsField } from './form-field.ts'
import { initialValue, pathText, unknownMembers, valueAt, variantOf, withoutItem, withValueAt } from './form-value.ts'
import { JsonEditor } from './json-editor.tsx'
import { NumberInput } from './number-input.tsx'
import styles from './schema-form.module.css'

export interface SchemaFormProps {
  readonly field: FormField
  readonly value: unknown
  readonly onChange: (value: unknown) => void
  /** What is wrong, by the path of the field as text. */
  readonly problems: ReadonlyMap<string, string>
  /** The path of this field, such as `payload.customer`. */
  readonly path: string
  readonly label: string
  readonly isRequired?: boolean
}

/** Texts longer than this are typed into several lines. */
const LONG_TEXT = 120

/** A form made from a JSON Schema, field by field; nothing is compiled. */
export function SchemaForm(props: SchemaFormProps): ReactNode {
  const { field, value, onChange, isRequired = false } = props
  const { forms } = useMessages()
  const isComposite = field.kind === 'object' || field.kind === 'list' || field.kind === 'variants'
  if (!isComposite) return <LeafField {...props} />
  const isAbsent = value === undefined || (value === null && field.isNullable)
  return (
    <fieldset className={styles['group']}>
      <legend className={styles['legend']}>
        <span>{props.label}</span>
        {!isRequired && !isAbsent && (
          <Button look="quiet" size="small" onClick={() => onChange(undefined)}>
            {forms.leaveOut}
          </Button>
        )}
        {isAbsent && (
          <Button size="small" onClick={() => onChange(initialValue(field))}>
            {value === null ? forms.fillIn : forms.add}
          </Button>
        )}
      </legend>
      {field.description !== undefined && <p className={styles['about']}>{field.description}</p>}
      <OwnProblem {...props} />
      {!isAbsent && <CompositeField {...props} field={field} />}
    </fieldset>
  )
}

function OwnProblem({ problems, path }: SchemaFormProps): ReactNode {
  const problem = problems.get(path)
  return problem === undefined ? null : (
    <p className={styles['problem']} role="alert">
      {problem}
    </p>
  )
}

function CompositeField(props: Omit<SchemaFormProps, 'field'> & { readonly field: ObjectField | ListField | VariantsField }): ReactNode {
  const { field } = props
  if (field.kind === 'object') return <ObjectFields {...props} field={field} />
  if (field.kind === 'list') return <ListFields {...props} field={field} />
  return <VariantFields {...props} field={field} />
}

function ObjectFields({ field, value, onChange, problems, path }: SchemaFormProps & { readonly field: ObjectField }): ReactNode {
  const { forms } = useMessages()
  const others = unknownMembers(field, value)
  const hasOthers = Object.keys(others).length > 0
  return (
    <div className={styles['members']}>
      {field.members.map((member) => (
        <SchemaForm
          key={member.name}
          field={member.field}
          label={member.field.title ?? member.name}
          value={valueAt(value, [member.name])}
          onChange={(next) => onChange(withValueAt(value, [member.name], next))}
          problems={problems}
          path={pathText(path, [member.name])}
          isRequired={member.isRequired}
        />
      ))}
      {hasOthers && (
        <JsonEditor
          label={forms.otherMembers}
          hint={forms.otherMembersHint}
          value={others}
          onChange={(next) => {
            const own = Object.entries(isObject(value) ? value : {}).filter(([name]) => !Object.hasOwn(others, name))
            if (next === undefined) onChange(Object.fromEntries(own))
            else if (isObject(next)) onChange(Object.fromEntries([...own, ...Object.entries(next)]))
          }}
        />
      )}
    </div>
  )
}

function ListFields({ field, value, onChange, problems, path, label }: SchemaFormProps & { readonly field: ListField }): ReactNode {
  const { forms } = useMessages()
  const items = Array.isArray(value) ? value : []
  return (
    <div className={styles['members']}>
      {items.map((item, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: an item is known by its place.
        <div key={i} className={styles['item']}>
          <SchemaForm
            field={field.item}
            label={`${label} ${i + 1}`}
            value={item ?? undefined}
            onChange={(next) => onChange(withValueAt(items, [i], next ?? null))}
            problems={problems}
            path={pathText(path, [i])}
            isRequired
          />
          <Button look="quiet" size="small" aria-label={forms.removeItem(i + 1)} onClick={() => onChange(withoutItem(items, i))}>
            ×
          </Button>
        </div>
      ))}
      <Button size="small" onClick={() => onChange([...items, initialValue(field.item) ?? null])}>
        {forms.addItem}
      </Button>
    </div>
  )
}

function VariantFields(props: SchemaFormProps & { readonly field: VariantsField }): ReactNode {
  const { field, value, onChange } = props
  const { forms } = useMessages()
  const chosen = variantOf(field.variants, value)
  const variant = field.variants[chosen]
  if (variant === undefined) return null
  return (
    <div className={styles['members']}>
      <Field label={forms.variant}>
        <Select
          value={String(chosen)}
          options={field.variants.map((one, i) => ({ value: String(i), label: variantText(one) }))}
          onChange={(event) => onChange(initialValue(field.variants[Number(event.currentTarget.value)] as FormField))}
        />
      </Field>
      {variant.kind === 'object' ? (
        <ObjectFields {...props} field={variant} />
      ) : (
        <SchemaForm {...props} field={{ ...variant, isNullable: field.isNullable }} isRequired />
      )}
    </div>
  )
}

/** A variant by its title, or by the constants that tell it from the others. */
function variantText(field: FormField): string {
  if (field.title !== undefined) return field.title
  if (field.kind === 'constant') return writeExactly(field.value)
  const constants = field.kind === 'object' ? field.members.filter((member) => member.field.kind === 'constant') : []
  const texts = constants.map(({ name, field: member }) => (member.kind === 'constant' ? `${name}: ${String(member.value)}` : name))
  if (texts.length > 0) return texts.join(', ')
  return field.kind === 'object' ? field.members.map(({ name }) => name).join(', ') : field.kind
}

function LeafField(props: SchemaFormProps): ReactNode {
  const { field, value, onChange, problems, path, label, isRequired = false } = props
  const { forms } = useMessages()
  const problem = problems.get(path)
  if (field.kind === 'json')
    return (
      <JsonEditor
        label={labelOf(label, isRequired, forms.optional)}
        hint={field.description}
        value={value}
        onChange={onChange}
        {...(problem === undefined ? {} : { problem })}
      />
    )
  if (field.kind === 'boolean' && isRequired && !field.isNullable)
    return (
      <label className={styles['check']}>
        <input type="checkbox" checked={value === true} onChange={(event) => onChange(event.currentTarget.checked)} />
        <span>{label}</span>
        {field.description !== undefined && <span className={styles['about']}>{field.description}</span>}
      </label>
    )
  return (
    <Field label={labelOf(label, isRequired, forms.optional)} hint={field.description} {...(problem === undefined ? {} : { problem })}>
      <LeafControl {...props} />
    </Field>
  )
}

const labelOf = (label: string, isRequired: boolean, optional: string) => (isRequired ? label : `${label} ${optional}`)

function LeafControl({ field, value, onChange, isRequired = false }: SchemaFormProps): ReactNode {
  switch (field.kind) {
    case 'number':
      return <NumberInput value={isExactNumber(value) || typeof value === 'string' ? value : undefined} onChange={onChange} />
    case 'choice':
      return (
        <ChoiceSelect options={field.options} value={value} onChange={onChange} isRequired={isRequired} isNullable={field.isNullable} />
      )
    case 'boolean':
      return (
        <ChoiceSelect options={[true, false]} value={value} onChange={onChange} isRequired={isRequired} isNullable={field.isNullable} />
      )
    case 'constant':
      return (
        <ChoiceSelect options={[field.value]} value={value} onChange={onChange} isRequired={isRequired} isNullable={field.isNullable} />
      )
    default:
      return <TextControl field={field} value={value} onChange={onChange} isRequired={isRequired} />
  }
}

function TextControl({
  field,
  value,
  onChange,
  isRequired,
}: Pick<SchemaFormProps, 'field' | 'value' | 'onChange' | 'isRequired'>): ReactNode {
  const text = typeof value === 'string' ? value : ''
  const change = (next: string) =>
    onChange(next === '' && (!isRequired || field.isNullable) ? (field.isNullable && isRequired ? null : undefined) : next)
  const isLong = field.kind === 'text' && ((field.maxLength ?? 0) > LONG_TEXT || text.length > LONG_TEXT)
  if (isLong) return <TextArea rows={4} value={text} onChange={(event) => change(event.currentTarget.value)} />
  return <TextInput value={text} placeholder={placeholderOf(field)} onChange={(event) => change(event.currentTarget.value)} />
}

const PLACEHOLDERS: Readonly<Record<string, string>> = {
  'date-time': '2030-01-31T09:00:00Z',
  date: '2030-01-31',
  time: '09:00:00Z',
  email: 'name@example.com',
  uri: 'https://…',
  uuid: 'xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx',
}
const placeholderOf = (field: FormField): string | undefined =>
  field.kind === 'text' ? ((field.format === undefined ? undefined : PLACEHOLDERS[field.format]) ?? field.pattern) : undefined

interface ChoiceSelectProps {
  readonly options: readonly unknown[]
  readonly value: unknown
  readonly onChange: (value: unknown) => void
  readonly isRequired: boolean
  readonly isNullable: boolean
}

/** One of some values, of whatever type; a value that is none of them stays chosen until another is. */
function ChoiceSelect({ options, value, onChange, isRequired, isNullable }: ChoiceSelectProps): ReactNode {
  const { forms } = useMessages()
  const all = [...options, ...(isNullable ? [null] : [])]
  const place = value === undefined ? -1 : all.findIndex((option) => isSameJson(option, value))
  const isOther = value !== undefined && place < 0
  const textOf = (option: unknown) => (typeof option === 'string' ? option : writeExactly(option))
  return (
    <Select
      value={isOther ? 'other' : String(place)}
      options={[
        ...(place < 0 || !isRequired ? [{ value: '-1', label: isRequired ? forms.choose : '–' }] : []),
        ...(isOther ? [{ value: 'other', label: textOf(value) }] : []),
        ...all.map((option, i) => ({ value: String(i), label: textOf(option) })),
      ]}
      onChange={(event) => {
        const chosen = Number(event.currentTarget.value)
        if (!Number.isNaN(chosen)) onChange(chosen < 0 ? undefined : all[chosen])
      }}
    />
  )
}
