export type SandboxErrorCode =
  | 'ports_in_use'
  | 'process_died'
  | 'process_not_ready'
  | 'process_not_started'
  | 'redis_did_not_start'
  | 'redis_folder_in_use'
  | 'redis_install_failed'
  | 'redis_not_installed'
  | 'redis_too_old'
  | 'redis_unreachable'

/** What stops the sandbox from starting, in two parts for the person at the terminal. */
export class SandboxError extends Error {
  override readonly name = 'SandboxError'
  readonly code: SandboxErrorCode
  readonly happened: string
  readonly mend: string

  constructor(code: SandboxErrorCode, happened: string, mend: string) {
    super(`${happened}\n${mend}`)
    this.code = code
    this.happened = happened
    this.mend = mend
  }
}
