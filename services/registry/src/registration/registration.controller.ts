import type { ControllerOf } from '@carillon/runtime'
import type { RegistryParts } from '../parts.ts'
import { registerInstance } from './register-instance.ts'
import { removeInstance } from './remove-instance.ts'

export const registrationController = (parts: RegistryParts) =>
  ({
    answers: {
      instancesRegister: ({ namespace, input }) => registerInstance(parts, namespace, input),
      instancesLeave: ({ namespace, input }) => removeInstance(parts, namespace, input),
    },
  }) satisfies ControllerOf<'registry'>
