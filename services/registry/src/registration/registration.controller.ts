import type { ControllerOf } from '@carillon/runtime'
import type { RegisterInstance } from './register-instance.ts'
import type { RemoveInstance } from './remove-instance.ts'

export interface RegistrationCases {
  readonly registerInstance: RegisterInstance
  readonly removeInstance: RemoveInstance
}

export const registrationController = ({ registerInstance, removeInstance }: RegistrationCases) =>
  ({
    answers: {
      instancesRegister: ({ namespace, input }) => registerInstance.execute(namespace, input),
      instancesLeave: ({ namespace, input }) => removeInstance.execute(namespace, input),
    },
  }) satisfies ControllerOf<'registry'>
