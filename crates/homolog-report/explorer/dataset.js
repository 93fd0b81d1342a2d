// What the bundles mean: the tables, courses, details and texts of a study, by model, checkpoint and layer.

homolog.dataset = (() => {
  const { array } = homolog.bundle;
  const NO_ROW = 0xffffffff;

  /**
   * Floats as they are; of unsigned types the greatest value becomes NaN.
   * @param {Numbers} data
   * @returns {Float32Array | Float64Array}
   */
  function withMissing(data) {
    if (data instanceof Float32Array || data instanceof Float64Array) return data;
    const missing = data instanceof Int8Array ? NaN : 2 ** (8 * data.BYTES_PER_ELEMENT) - 1;
    const values = new Float64Array(data.length);
    for (let i = 0; i < data.length; i++) values[i] = data[i] === missing ? NaN : data[i];
    return values;
  }

  /** @param {NeuronId} id */
  const labelOf = (id) => `L${id.layer}.${id.neuron}`;

  /** @param {Index} index @param {number} model @returns {(ColumnInfo & { isShown: boolean })[]} */
  function columnInfos(index, model) {
    const infos = [
      { name: "layer", title: "layer", help: "Layer, from 0.", kind: /** @type {Kind} */ ("integer"), isShown: false },
      {
        name: "neuron",
        title: "neuron",
        help: "Index within the layer, from 0.",
        kind: /** @type {Kind} */ ("integer"),
        isShown: false,
      },
      ...index.columns.map((info) => ({ ...info, isShown: true })),
    ];
    index.models.forEach(({ name }, other) => {
      if (other === model) return;
      /** @param {string} field @param {string} title @param {string} help @param {boolean} isShown @param {Kind} [kind] */
      const add = (field, title, help, isShown, kind = "number") =>
        infos.push({ name: `match.${other}.${field}`, title: `${title} ${name}`, help, kind, isShown });
      add("corr", "corr", `Correlation with the best match in ${name}.`, true);
      add("second", "runner-up", `Correlation with the second best match in ${name}.`, false);
      add("baseline", "baseline", `Best match in ${name} after a random rotation of its layers.`, false);
      add("lowest", "lowest", `Least correlation with any neuron of ${name}.`, false);
      add("is_mutual", "mutual", `Whether the neuron is the best match of its best match in ${name}.`, false, "flag");
      if (!index.is_screened) return;
      add("is_exact", "exact", `Whether no screening decided the match in ${name}.`, false, "flag");
      add("margin", "margin", `Standard errors by which a screened match in ${name} is sure.`, false);
    });
    return infos;
  }

  /** @param {Bundle} bundle @param {Index} index @param {number} model @param {number} checkpoint @returns {Table} */
  function tableOf(bundle, index, model, checkpoint) {
    const layer = array(bundle, "layer").data;
    const neuron = array(bundle, "neuron").data;
    const columns = columnInfos(index, model).map((info) => {
      const values = withMissing(array(bundle, info.name).data);
      return { ...info, values, decimals: info.kind === "number" ? homolog.format.decimalsFor(values) : 0 };
    });

    /** @param {NeuronId} id */
    function find(id) {
      let [low, high] = [0, layer.length];
      while (low < high) {
        const middle = (low + high) >> 1;
        const isBefore = layer[middle] < id.layer || (layer[middle] === id.layer && neuron[middle] < id.neuron);
        if (isBefore) low = middle + 1;
        else high = middle;
      }
      return low < layer.length && layer[low] === id.layer && neuron[low] === id.neuron ? low : -1;
    }

    return {
      model,
      checkpoint,
      n: layer.length,
      layer,
      neuron,
      columns,
      byName: new Map(columns.map((column) => [column.name, column])),
      find,
      label: (row) => labelOf({ layer: layer[row], neuron: neuron[row] }),
    };
  }

  /**
   * The match of a row in another model.
   * @param {Bundle} bundle of a table
   * @param {number} other
   * @param {number} row
   */
  function matchOf(bundle, other, row) {
    /** @param {string} field */
    const at = (field) => array(bundle, `match.${other}.${field}`).data[row];
    const corr = at("corr");
    const id = Number.isNaN(corr) ? null : { layer: at("layer"), neuron: at("neuron") };
    /** How a screened search came to it; null of an exact one. */
    const screening = bundle.arrays.has(`match.${other}.margin`)
      ? { isExact: at("is_exact") === 1, margin: at("margin") }
      : null;
    return { id, corr, second: at("second"), baseline: at("baseline"), lowest: at("lowest"), isMutual: at("is_mutual") === 1, screening };
  }

  /** @param {{ load: (name: string) => Promise<Bundle> }} source @returns {Promise<Dataset>} */
  async function open(source) {
    /** @type {Index} */
    const index = (await source.load("index")).meta;
    /** The last table opened stands for most questions. @type {{ of: Bundle, table: Table } | null} */
    let last = null;

    return {
      index,
      async table(model, checkpoint) {
        const bundle = await source.load(`table-${model}-${checkpoint}`);
        if (last?.of !== bundle) last = { of: bundle, table: tableOf(bundle, index, model, checkpoint) };
        return { table: last.table, bundle };
      },
      course: (model) => source.load(`course-${model}`),
      detail: (model, checkpoint, layer) => source.load(`detail-${model}-${checkpoint}-${layer}`),
      async text(row) {
        const bundle = await source.load(`text-${Math.floor(row / index.rows_per_text)}`);
        return homolog.bundle.row(bundle, "rows", row % index.rows_per_text);
      },
      vocabulary: async () => (index.has_vocabulary ? (await source.load("vocabulary")).meta.tokens : null),
    };
  }

  return { open, labelOf, matchOf, NO_ROW };
})();
