-- one row per person who asked the holder of an exception and has had no answer since, the first question first
select
    question.actor as person,
from notice as question
where
    question.case_id = $case_id
    and question.person = $holder
    and question.kind = $asked
    and not exists (
        select 1
        from notice as answer
        where
            answer.case_id = question.case_id
            and answer.actor = question.person
            and answer.person = question.actor
            and answer.kind = $answered
            and answer.time >= question.time
    )
group by
    question.actor
order by
    min(question.time),
    question.actor
