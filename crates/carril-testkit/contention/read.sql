-- Every final row as one line of text, as the oracle writes it: `tenant|instrument|grade|lots|amount` of a holding, `tenant|instrument|#lot|amount` of a lot.
select tenant || '|' || instrument || '|' || grade || '|' || lots || '|' || amount from final_holding
union all
select tenant || '|' || instrument || '|#' || lot || '|' || amount from final_lot;
