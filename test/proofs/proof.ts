/** What a proof found. `violations` are broken promises, in words; `missed` are figures that were not reached. */
export type ProofResult = {
  readonly violations: readonly string[]
  readonly missed: readonly string[]
  readonly [figure: string]: unknown
}

export type Proof = (trials: number, say: (line: string) => void) => Promise<ProofResult>
