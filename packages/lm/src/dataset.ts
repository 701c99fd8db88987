/** Token ids ready for a batch; made from texts by `datasetFromSamples`. */
export type Dataset =
  | {
      readonly kind: "language-model";
      /** Windows of sequenceLength + 1 ids: inputs are all but the last, targets all but the first. */
      readonly windows: readonly Int32Array[];
    }
  | {
      readonly kind: "classification";
      /** One sequence per sample, cut to sequenceLength; the last token's hidden state feeds the head. */
      readonly sequences: readonly Int32Array[];
      readonly labels: Int32Array;
    };
